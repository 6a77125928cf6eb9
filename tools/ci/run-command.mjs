/** Starts a command of this checkout and keeps what it says. */
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * @param {string[]} command the program and its arguments; a program of node_modules/.bin by its bare name
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number, onOutput?: (text: string) => void }} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string, seconds: number, timedOut: boolean }>} `output` is
 *   stdout and stderr as they came; `code` is 127 where there is no such program, 128 + signal where one ended it
 */
export function runCommand([program, ...args], { cwd = root, env = {}, timeoutMs, onOutput } = {}) {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const bin = path.join(root, "node_modules", ".bin");
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}`, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that a timeout ends the children of children too.
      detached: true,
    });
    let stdout = "";
    let output = "";
    let timedOut = false;
    const take = (chunk, isStdout) => {
      if (isStdout) stdout += chunk;
      output += chunk;
      onOutput?.(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", (chunk) => take(chunk, true));
    child.stderr.setEncoding("utf8").on("data", (chunk) => take(chunk, false));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            endGroup(child.pid);
          }, timeoutMs);
    const forward = (signal) => endGroup(child.pid, signal);
    const signals = ["SIGINT", "SIGTERM"];
    for (const signal of signals) process.on(signal, forward);
    const finish = (code) => {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, forward);
      resolve({ code, stdout, output, timedOut, seconds: (performance.now() - startMs) / 1000 });
    };
    child.once("error", (error) => {
      output += error.message;
      finish(127);
    });
    child.once("close", (code, signal) => finish(code ?? 128 + (os.constants.signals[signal] ?? 0)));
  });
}

function endGroup(pid, signal = "SIGKILL") {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Text as a log file wants it: no colours, no cursor movements. */
export function plain(text) {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r/g, "");
}
