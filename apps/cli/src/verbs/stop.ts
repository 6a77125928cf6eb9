import os from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { UserError } from "@latentweave/protocol";
import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { describeRun } from "../runs/describe-run.ts";
import { awaitsCoordinator, runHolder } from "../runs/run-holder.ts";

const pollMs = 100;
/** A process that is to end at once and has not by then hears nothing any more. */
const deafMs = 2_000;

interface Flags extends SharedFlags {
  readonly now?: boolean;
}

export function addStop(program: Command): void {
  const verb = program
    .command("stop")
    .summary("end a run after a checkpoint")
    .description(
      "Asks a run on this machine to end: it finishes its step, writes a checkpoint and ends. Waits for that.",
    )
    .argument("<run>", "a run")
    .option(
      "--now",
      "without a checkpoint: what was computed since the last one is computed again on resume",
    );
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(["stop digits-1", "after a checkpoint"], ["stop digits-1 --now", "at once"]),
    )
    .action(async (run: string, flags: Flags) => {
      const output = createOutput(flags);
      const { findRun } = await import("@latentweave/checkpoint");
      const directory = findRun(runsDirectory(flags), run);
      const holder = runHolder(directory);
      if (holder && holder.host !== os.hostname())
        throw new UserError({
          what: `this run is kept by process ${holder.pid} on ${holder.host}`,
          where: directory,
          mend: `run latentweave stop ${run} on that machine`,
        });
      const wasRunning = holder !== undefined || awaitsCoordinator(directory);
      await end(directory, flags.now === true, (text) => output.note(text));
      const after = await describeRun(directory);
      const text = wasRunning
        ? `${after.runId} has ended at step ${after.step}; to go on: latentweave train --resume --run-id ${after.runId}`
        : `${after.runId} is not running (${after.state})`;
      output.result(after, text);
    });
}

/** Until nobody keeps the run: a coordinator may be killed before it has heard, and another one takes its place. */
async function end(directory: string, now: boolean, note: (text: string) => void): Promise<void> {
  let asked: number | undefined;
  let askedMs = 0;
  for (; ; await wait(pollMs)) {
    const pid = runHolder(directory)?.pid;
    if (pid === undefined) {
      if (awaitsCoordinator(directory)) continue;
      return;
    }
    if (pid === asked) {
      if (now && performance.now() - askedMs > deafMs) signal(pid, "SIGKILL");
      continue;
    }
    // Asked once more, it would not wait for the checkpoint.
    const knows = !now && asked !== undefined && (await describeRun(directory)).state === "stopping";
    [asked, askedMs] = [pid, performance.now()];
    if (knows) continue;
    note(`asking process ${pid} to end`);
    signal(pid, "SIGTERM");
    // Two signals: it ends at once, and is known to have been told so. The same one twice may arrive as one.
    if (now) signal(pid, "SIGINT");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has gone meanwhile.
  }
}
