import path from "node:path";
import { UserError } from "@latentweave/protocol";
import type { Command } from "commander";
import { exitCodes } from "../command/failure.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { runHolder } from "../runs/run-holder.ts";
import { formatVerification } from "../show/verification.ts";

export function addVerify(program: Command): void {
  const verb = program
    .command("verify")
    .summary("prove from the record: every sample once, weights as recorded")
    .description(
      "Makes the job's plan again and checks that what was committed is exactly that: every planned micro-batch in one commit in effect, an unbroken chain, every byte of every checkpoint as it was sealed. Says consistent, or what does not match (exit code 1).",
    )
    .argument("<run>", "a run that is over");
  withSharedFlags(verb)
    .addHelpText("after", examples(["verify digits-1", "is the record whole, and as planned?"]))
    .action(verify);
}

async function verify(run: string, flags: SharedFlags): Promise<void> {
  const output = createOutput(flags);
  const { findRun } = await import("@latentweave/checkpoint");
  const { verifyRun } = await import("@latentweave/verify-engine");
  const directory = findRun(runsDirectory(flags), run);
  requireOver(directory);
  const found = await verifyRun(directory);
  output.result(found, formatVerification(found));
  if (!found.consistent) process.exitCode = exitCodes.failed;
}

/** @throws UserError while a coordinator writes the run */
export function requireOver(directory: string): void {
  const holder = runHolder(directory);
  if (!holder) return;
  throw new UserError({
    what: `this run is still going on (process ${holder.pid} on ${holder.host} writes it)`,
    where: directory,
    expected: "a run that is over: its record changes meanwhile",
    mend: `wait for its end, or end it: latentweave stop ${path.basename(directory)}`,
  });
}
