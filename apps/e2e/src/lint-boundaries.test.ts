/** Lint is a promise about the shape of the code; here it is broken in each way that it forbids. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ESLint, type Linter } from "eslint";
import tseslint from "typescript-eslint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const emptyGraphFolder = mkdtempSync(path.join(os.tmpdir(), "latentweave-lint-"));
let eslint: ESLint;

beforeAll(() => {
  // Without a project graph Nx's rule warns and passes everything: the configuration must bring its own.
  process.env["NX_WORKSPACE_DATA_DIRECTORY"] = emptyGraphFolder;
  process.env["NX_DAEMON"] = "false";
  eslint = new ESLint({
    cwd: root,
    // The files of these tests do not exist, so TypeScript knows no types for them.
    overrideConfig: tseslint.configs.disableTypeChecked as Linter.Config,
  });
});

afterAll(() => rmSync(emptyGraphFolder, { recursive: true, force: true }));

async function rulesBroken(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: path.join(root, file) });
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, fatal, message }) => (fatal === true ? `fatal: ${message}` : (ruleId ?? "none"))),
  );
}

const layers = "@nx/enforce-module-boundaries";
const platform = "latentweave/imports-at-home";
const imports = (name: string) => `import * as it from "${name}";\nexport { it };\n`;

describe("layers", () => {
  test.each([
    ["foundation", "algorithm", "libs/foundation/telemetry/src/x.ts", "@latentweave/optim"],
    ["foundation", "runtime", "libs/foundation/telemetry/src/x.ts", "@latentweave/transport"],
    ["algorithm", "runtime", "libs/algorithm/optim/src/x.ts", "@latentweave/transport"],
    ["runtime", "algorithm", "libs/runtime/transport/src/x.ts", "@latentweave/optim"],
    ["algorithm", "engine", "libs/algorithm/data/src/x.ts", "@latentweave/coordinator-engine"],
    ["runtime", "engine", "libs/runtime/datasets/src/x.ts", "@latentweave/coordinator-engine"],
    ["engine", "engine", "libs/engine/coordinator/src/x.ts", "@latentweave/worker-engine"],
    ["engine", "app", "libs/engine/coordinator/src/x.ts", "@latentweave/dashboard-app"],
    ["app", "testing", "apps/worker/src/x.ts", "@latentweave/simulator"],
    ["engine", "testing", "libs/runtime/native/src/x.ts", "@latentweave/simulator"],
  ])("%s may not import %s", async (_from, _to, file, name) => {
    expect(await rulesBroken(file, imports(name))).toEqual([layers]);
  });

  test.each([
    ["libs/engine/coordinator/src/x.ts", "@latentweave/plan"],
    ["libs/engine/worker/src/x.ts", "@latentweave/protocol"],
    ["libs/algorithm/multitask/src/x.ts", "@latentweave/arithmetic"],
    ["apps/cli/src/x.ts", "@latentweave/worker-app"],
    ["libs/testing/simulator/src/x.ts", "@latentweave/worker-engine"],
    ["apps/e2e/src/x.ts", "@latentweave/simulator"],
    ["apps/worker/src/x.test.ts", "@latentweave/simulator"],
  ])("%s may import %s", async (file, name) => {
    expect(await rulesBroken(file, imports(name))).toEqual([]);
  });

  test("another project's file cannot be reached by a path", async () => {
    const code = imports("../../../foundation/protocol/src/frame.ts");
    expect(await rulesBroken("libs/engine/worker/src/x.ts", code)).toEqual([layers]);
  });

  test("nobody imports their own list of names, nor a file inside another package", async () => {
    const file = "libs/foundation/protocol/src/x.ts";
    expect(await rulesBroken(file, imports("./index.ts"))).toEqual(["no-restricted-imports"]);
    expect(await rulesBroken(file, imports("@latentweave/protocol"))).toContain(layers);
    expect(
      await rulesBroken("apps/worker/src/x.ts", imports("@latentweave/protocol/src/frame.ts")),
    ).toContain("no-restricted-imports");
  });
});

describe("platforms", () => {
  const homes = [
    ["@tensorflow/tfjs-core", "libs/runtime/compute"],
    ["msgpackr", "libs/foundation/protocol"],
    ["ws", "libs/runtime/transport"],
  ] as const;

  test.each(homes)("%s belongs to %s alone", async (name, home) => {
    expect(await rulesBroken(`${home}/src/x.ts`, imports(name))).toEqual([]);
    for (const folder of ["libs/engine/worker", "libs/algorithm/optim", "libs/runtime/launch", "apps/cli"])
      expect(await rulesBroken(`${folder}/src/x.ts`, imports(name)), folder).toContain(platform);
  });

  test.each([
    ["an import for types", 'import type { WebSocket } from "ws";\nexport type Socket = WebSocket;\n'],
    ["a re-export", 'export { WebSocket } from "ws";\n'],
    ["a dynamic import", 'export const socket = await import("ws");\n'],
    ["a type's import", 'export type Socket = import("ws").WebSocket;\n'],
    ["require", 'export const socket: unknown = require("ws");\n'],
    ["a path below the package", imports("ws/lib/receiver.js")],
  ])("%s does not get round it", async (_name, code) => {
    expect(await rulesBroken("apps/worker/src/x.ts", code)).toContain(platform);
  });

  test.each(["node:fs", "fs", "node:worker_threads", "net"])("algorithm code has no %s", async (name) => {
    expect(await rulesBroken("libs/algorithm/plan/src/x.ts", imports(name))).toEqual([platform]);
    expect(await rulesBroken("libs/algorithm/plan/src/x.test.ts", imports(name))).toEqual([]);
  });

  test.each([
    "Date.now()",
    "performance.now()",
    "setTimeout(() => undefined, 1)",
    "fetch('http://127.0.0.1')",
    "globalThis.Date.now()",
    "process.env",
  ])("algorithm code has no %s", async (expression) => {
    const broken = await rulesBroken(
      "libs/algorithm/plan/src/x.ts",
      `export const it: unknown = ${expression};\n`,
    );
    expect(broken).toContain("no-restricted-globals");
  });
});

describe("arithmetic that reaches a weight", () => {
  const folders = ["algorithm/optim", "engine/parameter-server", "foundation/model", "foundation/arithmetic"];
  const inexact = [
    "Math.exp(1)",
    "Math.log(2)",
    "Math.pow(2, 3)",
    "Math.tanh(1)",
    "Math.hypot(3, 4)",
    "Math['cos'](1)",
    "Math.random()",
    "3 ** 0.5",
  ];

  test.each(folders)("%s may not use functions whose last bits vary", async (folder) => {
    for (const expression of inexact) {
      const broken = await rulesBroken(`libs/${folder}/src/x.ts`, `export const it = ${expression};\n`);
      expect(broken.join(), expression).toMatch(/^no-restricted-(properties|syntax)$/);
    }
  });

  test("exact functions are welcome, and tests compare with whatever they like", async () => {
    const exact = "export const it = Math.sqrt(Math.fround(2)) + Math.imul(2, 3) + Math.floor(1 / 3);\n";
    expect(await rulesBroken("libs/algorithm/optim/src/x.ts", exact)).toEqual([]);
    expect(
      await rulesBroken("libs/algorithm/optim/src/x.test.ts", "export const it = Math.exp(1);\n"),
    ).toEqual([]);
  });
});
