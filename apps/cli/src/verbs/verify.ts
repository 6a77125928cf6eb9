import path from "node:path";
import { UserError } from "@latentweave/protocol";
import type { BackendName } from "@latentweave/compute";
import { type Command, InvalidArgumentError } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { exitCodes } from "../command/failure.ts";
import { createOutput, type Output } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { runHolder } from "../runs/run-holder.ts";
import { formatRecomputation, formatVerification } from "../show/verification.ts";
import type { Recomputation, StepRange } from "../replay/recompute.ts";

interface Flags extends SharedFlags {
  readonly recompute?: StepRange;
  readonly backend?: BackendName;
}

export function addVerify(program: Command): void {
  const verb = program
    .command("verify")
    .summary("prove from the record: every sample once, weights as recorded")
    .description(
      "Makes the job's plan again and checks that what was committed is exactly that: every planned micro-batch in one commit in effect, an unbroken chain, every byte of every checkpoint as it was sealed. Says consistent, or what does not match (exit code 1).",
    )
    .argument("<run>", "a run that is over")
    .option(
      "--recompute <first..last>",
      "computes these steps again, from the checkpoint before them, and compares every bit: says proved",
      stepRange,
    )
    .addOption(backendOption({ purpose: "how to compute; default: as the job says" }));
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["verify digits-1", "is the record whole, and as planned?"],
        ["verify digits-1 --recompute 100..120", "do these steps come to what was recorded?"],
      ),
    )
    .action(verify);
}

function stepRange(text: string): StepRange {
  const [, first, last] = /^(\d{1,12})(?:\.\.(\d{1,12}))?$/.exec(text.trim()) ?? [];
  if (first !== undefined) return { first: Number(first), last: Number(last ?? first) };
  throw new InvalidArgumentError("Expected FIRST..LAST, such as 100..120, or one step.");
}

async function verify(run: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const { findRun } = await import("@latentweave/checkpoint");
  const { verifyRun } = await import("@latentweave/verify-engine");
  const directory = findRun(runsDirectory(flags), run);
  requireOver(directory);
  const found = await verifyRun(directory);
  // What contradicts itself is not worth computing.
  const again =
    flags.recompute && found.consistent
      ? await recomputeSteps(directory, flags.recompute, flags, output)
      : null;
  output.result(
    { ...found, recomputation: again },
    formatVerification(found) + (again ? `\n${formatRecomputation(again)}` : ""),
  );
  if (!found.consistent || again?.proved === false) process.exitCode = exitCodes.failed;
}

async function recomputeSteps(
  directory: string,
  range: StepRange,
  flags: Flags,
  output: Output,
): Promise<Recomputation> {
  const { openReplay } = await import("../replay/open-replay.ts");
  const { recompute } = await import("../replay/recompute.ts");
  const { tellSteps } = await import("../replay/tell-steps.ts");
  const run = await openReplay(directory, {
    ...(flags.backend === undefined ? {} : { backend: flags.backend }),
    log: (line) => output.note(line),
  });
  try {
    return await recompute(
      run,
      range,
      tellSteps((line) => output.note(line)),
    );
  } finally {
    await run.close();
  }
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
