import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { formatDifference } from "../show/difference.ts";

export function addDiff(program: Command): void {
  const verb = program
    .command("diff")
    .summary("first step and tensor at which two runs differ")
    .description(
      "Compares the jobs, the records of every step, the digests of every version of the weights, and the first checkpoint that both runs have from where these differ on. Ends with exit code 0 whether they differ or not; --json has `same`.",
    )
    .argument("<a>", "a run")
    .argument("<b>", "another run")
    .option("--recompute", "computes both again up to the first weights that differ, and names the tensor");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["diff digits-1 digits-2", "where they part, if they do"],
        ["diff digits-1 digits-2 --recompute", "and in which tensor, right at that step"],
      ),
    )
    .action(async (a: string, b: string, flags: SharedFlags & { readonly recompute?: boolean }) => {
      const output = createOutput(flags);
      const { compareJobs, diffRuns, findRun, inspectRun } = await import("@latentweave/checkpoint");
      const runs = runsDirectory(flags);
      const [left, right] = [findRun(runs, a), findRun(runs, b)];
      const [one, other] = [await inspectRun(left), await inspectRun(right)];
      const job = compareJobs(one.job, other.job).filter(({ path }) => !path.startsWith("launcher"));
      const difference = await diffRuns(left, right);
      const recomputed =
        flags.recompute && difference.weights
          ? await (
              await import("../replay/diff-at.ts")
            ).diffAt(left, right, difference.weights.version, (line) => output.note(line))
          : null;
      output.result({ job, ...difference, recomputed }, formatDifference(a, b, job, difference, recomputed));
    });
}
