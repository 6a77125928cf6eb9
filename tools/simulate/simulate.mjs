#!/usr/bin/env node
/** Runs the simulator's command from the sources: bundled once, so that its processes start at once. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-simulate-"));
const file = path.join(folder, "simulate.mjs");
// npm packages are looked up from here, wherever the bundle lies.
const banner = `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(${JSON.stringify(path.join(root, "package.json"))});`;
await build({
  entryPoints: [path.join(root, "libs/testing/simulator/src/command/main.ts")],
  outfile: file,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  conditions: ["latentweave-source"],
  sourcemap: "inline",
  logLevel: "error",
  banner: { js: banner },
});
// Almost everything that a run makes is gone when it ends: with a large nursery it is never copied.
const flags = ["--enable-source-maps", "--max-semi-space-size=64"];
const child = spawn(process.execPath, [...flags, file, ...process.argv.slice(2)], { stdio: "inherit" });
child.once("exit", (code, signal) => {
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = code ?? (signal === null ? 1 : 128 + (os.constants.signals[signal] ?? 0));
});
