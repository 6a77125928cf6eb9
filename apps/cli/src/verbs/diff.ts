import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { formatDifference } from "../show/difference.ts";

export function addDiff(program: Command): void {
  const verb = program
    .command("diff")
    .summary("first step and tensor at which two runs differ")
    .description(
      "Compares the jobs, the records of every step, and the newest checkpoint that both runs have. Ends with exit code 0 whether they differ or not; --json has `same`.",
    )
    .argument("<a>", "a run")
    .argument("<b>", "another run");
  withSharedFlags(verb)
    .addHelpText("after", examples(["diff digits-1 digits-2", "where they part, if they do"]))
    .action(async (a: string, b: string, flags: SharedFlags) => {
      const { compareJobs, diffRuns, findRun, inspectRun } = await import("@latentweave/checkpoint");
      const runs = runsDirectory(flags);
      const [left, right] = [findRun(runs, a), findRun(runs, b)];
      const [one, other] = [await inspectRun(left), await inspectRun(right)];
      const job = compareJobs(one.job, other.job).filter(({ path }) => !path.startsWith("launcher"));
      const difference = await diffRuns(left, right);
      createOutput(flags).result({ job, ...difference }, formatDifference(a, b, job, difference));
    });
}
