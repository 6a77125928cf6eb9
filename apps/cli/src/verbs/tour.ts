import type { Command } from "commander";
import { wholeNumber } from "../command/number-arguments.ts";
import { type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly steps?: number;
}

/** What `npm start` runs; hidden, because it needs a checkout's example. */
export function addTour(program: Command): void {
  const verb = program
    .command("tour", { hidden: true })
    .summary("what npm start shows")
    .description(
      "Trains a job of several tasks, kills a worker meanwhile, compares the bits with an undisturbed run, and sets what was learned beside each task alone and beside baselines.",
    )
    .argument("<job>", "a job file")
    .option("--steps <n>", "of each run, in place of as many as suit this machine", wholeNumber(6));
  withSharedFlags(verb).action(async (jobFile: string, { runs, steps }: Flags) => {
    const { takeTour } = await import("../start/tour.ts");
    process.exitCode = await takeTour({ jobFile, runs, ...(steps === undefined ? {} : { steps }) });
  });
}
