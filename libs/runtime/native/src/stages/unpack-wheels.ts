import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { formatBytes } from "../progress.ts";
import type { Variant } from "../recipe.ts";
import { extractZip } from "../zip-archive.ts";
import { done, type StageContext, type StageResult } from "./stage.ts";

/** Shared libraries, C headers and licences out of the wheels; the wheels are deleted afterwards. */
export async function unpackWheels(context: StageContext): Promise<StageResult> {
  const { directory, variant } = context;
  const partial = path.join(directory, "site-partial");
  const site = path.join(directory, "site");
  const downloads = path.join(directory, "wheels");
  rmSync(partial, { recursive: true, force: true });
  let bytes = 0;
  const wanted = (name: string): boolean => isNeeded(name, variant);
  try {
    for (const wheel of readdirSync(downloads).filter((name) => name.endsWith(".whl"))) {
      await extractZip(path.join(downloads, wheel), partial, wanted, (count) => {
        bytes += count;
        context.progress.live(`  unpacking: ${formatBytes(bytes)}`);
      });
    }
  } catch (error) {
    // A damaged download must not be taken for a good one by the next try.
    rmSync(downloads, { recursive: true, force: true });
    rmSync(path.join(directory, "stamps", "wheels"), { force: true });
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
  const missing = variant.libraries.filter((name) => !existsSync(path.join(partial, "tensorflow", name)));
  if (missing.length > 0) return { kind: "failed", reason: `the wheel lacks ${missing.join(", ")}` };
  rmSync(site, { recursive: true, force: true });
  renameSync(partial, site);
  rmSync(downloads, { recursive: true, force: true });
  return done;
}

const headerFolders = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/core/platform/",
  "tensorflow/include/tsl/platform/",
  "tensorflow/include/xla/tsl/c/",
];

function isNeeded(name: string, variant: Variant): boolean {
  if (name.endsWith(".h")) return headerFolders.some((folder) => name.startsWith(folder));
  if (/\.dist-info\/(.*LICEN[CS]E.*|METADATA)$/i.test(name)) return true;
  if (/^nvidia\/[^/]+\/lib\//.test(name) || /^nvidia\/cuda_nvcc\/(bin|nvvm)\//.test(name)) return true;
  return variant.libraries.some((library) => name === `tensorflow/${library}`);
}
