#!/usr/bin/env node
/**
 * `npm start`: everything that is needed, then the tour (apps/cli/src/start). Needs nothing but Node and npm.
 *
 *   npm start [-- --runs DIR]
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "../setup/setup.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

const setupCode = await setup();
process.exitCode = setupCode === 0 ? await tour() : setupCode;

/** @returns {Promise<number>} exit code */
function tour() {
  const command = ["apps/cli/bin/latentweave.mjs", "tour", "examples/digits-and-fashion/job.ts"];
  const child = spawn(process.execPath, [...command, ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
  });
  // The terminal sends Ctrl-C to the tour as well, which ends its run in order; this process only waits for it.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`the tour could not be started: ${error.message}\n`);
      resolve(1);
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
}
