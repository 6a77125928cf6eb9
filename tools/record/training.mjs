/** Runs of this checkout's own command line, as a user would start them. */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const command = path.join(root, "apps/cli/bin/latentweave.mjs");

/**
 * `latentweave train`, in a process of its own.
 * @param {readonly string[]} args what follows `train`
 * @returns {{ url: Promise<string>, ended: Promise<void>, stop: () => void }} `url` is the live page's; `ended` rejects
 *   with what was said if the run did not finish
 */
export function train(args) {
  const child = spawn(process.execPath, [command, "train", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let foundUrl;
  const url = new Promise((resolve) => (foundUrl = resolve));
  const listen = (chunk) => {
    said += chunk;
    const match = /live page: (\S+)/.exec(said);
    if (match) foundUrl(match[1]);
  };
  child.stdout.setEncoding("utf8").on("data", listen);
  child.stderr.setEncoding("utf8").on("data", listen);
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`train ended with exit code ${code}:\n${said}`)),
    );
  });
  // Whoever asks for them gets these failures; an unasked one must not end the process.
  ended.catch(() => {});
  const failed = ended.then(() => Promise.reject(new Error(`train gave no live page:\n${said}`)));
  const known = Promise.race([url, failed]);
  known.catch(() => {});
  return {
    url: known,
    ended,
    stop: () => child.exitCode ?? child.kill("SIGINT"),
  };
}

/** What `latentweave ARGS` prints. */
export function output(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve(text.trim())
        : reject(new Error(`latentweave ${args.join(" ")}: exit code ${code}`)),
    );
  });
}
