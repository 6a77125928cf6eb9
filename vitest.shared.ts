import { fileURLToPath } from "node:url";
import path from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const root = path.dirname(fileURLToPath(import.meta.url));
/** `npm test` names a folder of its own, so that it counts no report but those that it caused. */
const reports = process.env["LATENTWEAVE_REPORTS"] ?? path.join(root, ".reports");

/** Far more than any test takes on the slowest machine: for those that hang, not for those that are slow. */
const hangMs = 300_000;

/**
 * One configuration for every project: internal packages resolve to their TypeScript source, and each
 * project leaves a JSON report from which the closing line of `npm test` is added up.
 */
export function projectConfig(name: string, test: ViteUserConfig["test"] = {}): ViteUserConfig {
  return defineConfig({
    resolve: { conditions: ["latentweave-source"] },
    ssr: { resolve: { conditions: ["latentweave-source"], externalConditions: ["latentweave-source"] } },
    test: {
      include: ["src/**/*.test.ts"],
      testTimeout: hangMs,
      hookTimeout: hangMs,
      expect: { poll: { timeout: hangMs } },
      reporters: ["default", "json"],
      outputFile: { json: path.join(reports, `${name}.json`) },
      ...test,
    },
  });
}
