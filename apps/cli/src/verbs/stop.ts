import os from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { UserError } from "@latentweave/protocol";
import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { describeRun } from "../runs/describe-run.ts";
import { runHolder } from "../runs/run-holder.ts";

const pollMs = 100;

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
      if (holder) {
        output.note(`asking process ${holder.pid} to end`);
        process.kill(holder.pid, flags.now === true ? "SIGKILL" : "SIGTERM");
        while (runHolder(directory)?.pid === holder.pid) await wait(pollMs);
      }
      const after = await describeRun(directory);
      const text = holder
        ? `${after.runId} has ended at step ${after.step}; to go on: latentweave train --resume --run-id ${after.runId}`
        : `${after.runId} is not running (${after.state})`;
      output.result(after, text);
    });
}
