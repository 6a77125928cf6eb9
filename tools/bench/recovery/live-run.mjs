/** A run of ours that is disturbed while it goes: started by `latentweave train`, followed by what it tells. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { commandFile } from "../own-command.mjs";
import { processesOf } from "./own-processes.mjs";

const lookMs = 2;
/** For anything that is waited for: a busy machine is slow, a run that hangs never comes. */
const patienceMs = 180_000;

/**
 * @param {string[]} args of `train`
 * @returns {Promise<LiveRun>} once the first step is committed
 *
 * `commits`: `{ step, atMs, workers }` in the order in which they were told, `atMs` as the run's own record has it.
 */
export async function startLiveRun(args) {
  const child = spawn(process.execPath, [await commandFile(), "train", ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const commits = [];
  const events = [];
  let end;
  let errors = "";
  let code;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const said = JSON.parse(line);
    if (said.kind === "commit") commits.push(said.point);
    if (said.kind === "event") events.push(said.event);
    if (said.kind === "end") end = said;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const ended = new Promise((resolve) =>
    child.once("close", (status, signal) => resolve((code = status ?? signal))),
  );

  const until = async (what, look, ms = patienceMs) => {
    const startMs = performance.now();
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (code !== undefined)
        throw new Error(`the run ended with ${code} before ${what}:\n${errors.slice(-1500)}`);
      if (performance.now() - startMs > ms)
        throw new Error(`nothing for ${ms / 1000} s: ${what}; last: ${events.at(-1)?.text}`);
      await wait(lookMs);
    }
  };

  const run = {
    pid: child.pid,
    commits,
    events,
    until,
    newest: () => commits.at(-1),
    pidOf: (name) => processesOf(child.pid).get(name),
    /** All are back, and some steps were made in peace. */
    async settle(workers, steps = 25) {
      let from;
      await until(`${steps} steps with ${workers} workers`, () => {
        const last = commits.at(-1);
        if (last?.workers !== workers) from = undefined;
        else from ??= commits.length;
        return from !== undefined && commits.length - from >= steps;
      });
    },
    /** Lets it write its checkpoint and end. @returns what `train --json` said last */
    async interrupt() {
      child.kill("SIGINT");
      return await run.finish();
    },
    async finish() {
      await ended;
      if (end === undefined || end.state === "failed")
        throw new Error(`the run ended with ${code}: ${end?.reason ?? "no result"}\n${errors.slice(-1500)}`);
      return end;
    },
    /** Nothing of a run outlives its launcher. */
    kill: () => child.kill("SIGKILL"),
  };
  await until("the first commit", () => commits.length > 0);
  return run;
}
