import { type Command, InvalidArgumentError } from "commander";
import { exitCodes } from "../command/failure.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { type TransferMethod, transferMethods } from "../transfer/transfer-plan.ts";

interface Flags extends SharedFlags {
  readonly task: string;
  readonly shots: readonly (number | undefined)[];
  readonly how: readonly TransferMethod[];
  readonly seeds: number;
  readonly steps?: number;
  readonly workers?: number;
  readonly trunkRate: number;
  readonly adapter: number;
}

export function addTransfer(program: Command): void {
  const verb = program
    .command("transfer")
    .summary("teach a new task what a run has learned, beside learning it from scratch")
    .description(
      "Trains a new task on a run's shared parameters: frozen, with adapters, or fine-tuned, and from scratch at the same steps and rows, and measures each on held-out rows. Runs that are there already are not made again.",
    )
    .argument("<run>", "the run whose shared parameters are taken; its newest checkpoint")
    .requiredOption("--task <job>", "a job file with the new task alone; its model is the run's")
    .option("--shots <list>", "training rows, with commas between; all: all of them", shotsOf, [undefined])
    .option("--how <list>", `${transferMethods.join(", ")}, with commas between`, methodsOf, [
      ...(["scratch", "frozen", "fine-tuned"] as const),
    ])
    .option("--seeds <n>", "runs of each, with other rows and other first weights", wholeNumber(1, 100), 3)
    .option("--steps <n>", "train for so many steps", wholeNumber(1))
    .option("--workers <n>", "worker processes of each run", wholeNumber(1))
    .option(
      "--trunk-rate <factor>",
      "of the learning rate, for what is shared, where it is fine-tuned",
      factorOf,
      0.1,
    )
    .option("--adapter <channels>", "width of an adapter", wholeNumber(1), 8);
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["transfer both --task letters.ts", "does what was shared help with letters?"],
        ["transfer both --task letters.ts --shots 100,1000,all", "with few rows, and with all"],
        ["transfer both --task letters.ts --how scratch,adapters", "small detours in a frozen trunk"],
      ),
    )
    .action(transfer);
}

async function transfer(run: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const log = (line: string): void => output.note(line);
  const { findRun } = await import("@latentweave/checkpoint");
  const { resolveJob } = await import("@latentweave/job");
  const { loadJobFile } = await import("@latentweave/launch");
  const { requiredTable } = await import("../runs/run-tables.ts");
  const { planTransfer } = await import("../transfer/transfer-plan.ts");
  const { runTransfer } = await import("../transfer/run-transfer.ts");
  const { transferRows, transferText } = await import("../transfer/transfer-report.ts");
  const runs = runsDirectory(flags);
  const directory = findRun(runs, run);
  const loaded = await loadJobFile(flags.task);
  const resolved = resolveJob(loaded.input, flags.task);
  const planned = planTransfer({
    from: {
      ...{ runId: run, directory },
      job: resolveJob(await requiredTable(directory, "job.json")),
    },
    task: flags.steps === undefined ? resolved : { ...resolved, steps: flags.steps, epochs: null },
    methods: flags.how,
    shots: flags.shots,
    seeds: Array.from({ length: flags.seeds }, (_, index) => resolved.seed + index),
    ...{ trunkRate: flags.trunkRate, adapter: flags.adapter },
  });
  const done = await runTransfer(planned, {
    ...{ runs, source: { ...loaded, file: flags.task }, workers: flags.workers, log },
  });
  if (!done) {
    output.note("interrupted: the same command goes on, and does not repeat what is finished");
    process.exitCode = exitCodes.interrupted;
    return;
  }
  const rows = transferRows(done);
  output.result({ from: run, runs: done, rows }, transferText(rows));
}

function shotsOf(text: string): readonly (number | undefined)[] {
  return text.split(",").map((part) => (part === "all" ? undefined : wholeNumber(1)(part)));
}

function methodsOf(text: string): readonly TransferMethod[] {
  return text.split(",").map((part) => {
    const found = transferMethods.find((method) => method === part);
    if (!found) throw new InvalidArgumentError(`Expected some of ${transferMethods.join(", ")}.`);
    return found;
  });
}

function factorOf(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}
