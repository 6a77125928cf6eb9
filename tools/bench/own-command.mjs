/** Runs this checkout's `latentweave`, built once; or the build whose main.js LATENTWEAVE_BENCH_MAIN names. */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuilt } from "../build/build.mjs";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
let main;

/** Not the checkout's own launcher, which would build again where a source changes between two rounds. */
async function findMain() {
  if (process.env.LATENTWEAVE_BENCH_MAIN !== undefined) return process.env.LATENTWEAVE_BENCH_MAIN;
  await ensureBuilt({ log: console.log });
  return path.join(root, "apps/cli/dist/main.js");
}

/**
 * @param onStart told the child's pid
 * @param env variables besides ours. @param program to be run by Node.js in place of this checkout's
 * @returns {Promise<string>} standard output
 * @throws Error with the last lines it wrote when it fails
 */
export async function latentweave(args, onStart = () => {}, env = {}, program = commandFile()) {
  return run(process.execPath, [await program, ...args], { ...process.env, ...env }, onStart);
}

/** To be run by Node.js. */
export function commandFile() {
  return (main ??= findMain());
}

export async function run(command, args, env, onStart = () => {}) {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const out = [];
  const errors = [];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => errors.push(chunk));
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  if (child.pid !== undefined) onStart(child.pid);
  const code = await ended;
  const text = Buffer.concat(out).toString("utf8");
  if (code === 0) return text;
  const lines = (Buffer.concat(errors).toString("utf8") + text).trim().split("\n").slice(-12).join("\n  ");
  throw new Error(`${path.basename(command)} ${args.slice(0, 3).join(" ")} ended with ${code}:\n  ${lines}`);
}
