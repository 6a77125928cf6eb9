/** The command of this checkout, for programs: plain runs, and runs that are watched while they go. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { root, runCommand } from "./run-command.mjs";

const entry = path.join(root, "apps/cli/bin/latentweave.mjs");

/**
 * @param {string[]} args
 * @param {{ cwd?: string, node?: string, env?: Record<string, string>, timeoutMs?: number }} [options]
 * @throws Error with what it said, unless it ended with 0
 */
export async function latentweave(args, { node = process.execPath, ...options } = {}) {
  const result = await runCommand([node, entry, ...args], options);
  if (result.code !== 0)
    throw new Error(
      `latentweave ${args.join(" ")} ended with ${result.code}:\n${result.output.slice(-3000)}`,
    );
  return result;
}

/** What `latentweave hash RUN` prints. */
export async function hashOf(runs, runId, options) {
  return (await latentweave(["hash", runId, "--runs", runs], options)).stdout.trim();
}

/**
 * Starts `latentweave train` with `--json` and lets the caller act while it goes.
 * @param {(said: object, training: { pid: number, signal: (name: string) => void }) => void} [onSaid] for each line
 * @returns {Promise<{ code: number | null, end: object | undefined, stderr: string, seconds: number }>}
 */
export function train(args, { onSaid, node = process.execPath, env = {}, cwd = root } = {}) {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(node, [entry, "train", ...args, "--json"], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let end;
    let stderr = "";
    const handle = { pid: child.pid, signal: (name) => child.kill(name), stderr: () => stderr };
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      const said = JSON.parse(line);
      if (said.kind === "end") end = said;
      onSaid?.(said, handle);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({ code, end, stderr, seconds: (performance.now() - startMs) / 1000 }),
    );
  });
}

/** Processes whose command line holds this text: what a run left behind names its folder. */
export function processesNaming(text) {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return command.includes(text) ? [{ pid: Number(pid), command }] : [];
    } catch {
      return [];
    }
  });
}
