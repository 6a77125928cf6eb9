/**
 * The program of this checkout with one thing changed: its compute gives gradients at once (instant-compute.mjs). All
 * else is what `latentweave train` runs: the same processes, connections, shared memory, arithmetic, commits and records.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { listSources } from "../../build/build.mjs";
import { buildBundle } from "../../build/bundle.mjs";
import { root } from "../own-command.mjs";

const instant = fileURLToPath(new URL("./instant-compute.mjs", import.meta.url));
// Below node_modules, so that npm packages are found from there.
const folder = path.join(root, "node_modules/.cache/latentweave/exchange");
let built;

/** @returns {Promise<string>} its main.js */
export function exchangeProgram() {
  return (built ??= buildProgram());
}

async function buildProgram() {
  let replaced = 0;
  const replaceCompute = {
    name: "a compute that gives gradients at once",
    setup(context) {
      context.onResolve({ filter: /\/threaded-compute\.ts$/ }, () => {
        replaced += 1;
        return { path: instant };
      });
    },
  };
  const files = await buildBundle({ root, sources: listSources(), plugins: [replaceCompute] });
  if (replaced === 0) throw new Error("the program has no threaded-compute.ts any more: say what it has");
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of files) writeFileSync(path.join(folder, name), contents);
  return path.join(folder, "main.js");
}
