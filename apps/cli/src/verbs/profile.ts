import type { Command } from "commander";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly step?: number;
  readonly trace?: string;
}

export function addProfile(program: Command): void {
  const verb = program
    .command("profile")
    .summary("where the time of a step goes")
    .description(
      "Shows what every process of a run spends its steps on, the critical path of the median step, who is to blame for it and for steps that took long, and writes a trace for ui.perfetto.dev. The run must have been started with `train --profile`; it may still be going on.",
    )
    .argument("<run>", "a run that was trained with --profile")
    .option("--step <n>", "this step in place of the median one", wholeNumber(0))
    .option("--trace <file>", "where the trace goes; default: profile/trace.json in the run's folder");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["train job.ts --profile", "record a run, first"],
        ["profile digits-1", "where its time went"],
        ["profile digits-1 --step 137", "why this step was slow"],
        ["profile digits-1 --trace trace.json", "for ui.perfetto.dev or chrome://tracing"],
      ),
    )
    .action(profile);
}

async function profile(run: string, flags: Flags): Promise<void> {
  const { findRun } = await import("@latentweave/checkpoint");
  const { readProfile, stepOf } = await import("../profile/read-profile.ts");
  const { profileDocument } = await import("../profile/document.ts");
  const { formatProfile, formatStep } = await import("../profile/profile-text.ts");
  const { writeTrace } = await import("../profile/write-trace.ts");
  const read = await readProfile(findRun(runsDirectory(flags), run));
  const step = flags.step === undefined ? undefined : stepOf(read, flags.step);
  const trace = await writeTrace(read, flags.trace);
  createOutput(flags).result(
    profileDocument(read, step, trace),
    `${step ? formatStep(read, step) : formatProfile(read)}\n\ntrace: ${trace} (open it in ui.perfetto.dev)`,
  );
}
