import { writeFile } from "node:fs/promises";
import type { BackendName } from "@latentweave/compute";
import type { SplitName } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { rowsFile, writeRows } from "../report/rows-file.ts";
import { formatCount, formatLoss } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";
import type { PairedErrors } from "../translate/paired-errors.ts";

interface Flags extends SharedFlags {
  readonly from: string;
  readonly to: string;
  readonly split?: SplitName;
  readonly samples?: number;
  readonly output?: string;
  readonly png?: string;
  readonly paired?: boolean;
  readonly best?: boolean;
  readonly average?: boolean;
  readonly backend?: BackendName;
}

export function addTranslate(program: Command): void {
  const verb = program
    .command("translate")
    .summary("one task's samples through another one's decoder")
    .description(
      "Puts samples of one task through its encoder to the latent that the tasks share, and from there through another task's decoder.",
    )
    .argument("<run>", "a run, RUN@STEP for the checkpoint of that step, or RUN@best")
    .requiredOption("--from <task>", "whose samples and encoder")
    .requiredOption("--to <task>", "whose decoder")
    .addOption(
      new Option(
        "--split <name>",
        "rows to translate; default: test, or validation where there is no test",
      ).choices(["test", "validation", "train"]),
    )
    .option("--samples <n>", "the first so many rows; default: all", wholeNumber(1))
    .option("-o, --output <file>", "an .npy or a .csv file for what became of them")
    .option("--png <file>", "a picture of samples and what became of them, where both are images")
    .option(
      "--paired",
      "row by row both tasks' data are of the same things: the error, beside the target's mean and a least-squares map fitted to the pairs",
    )
    .option("--best", "by the checkpoint with the least held-out loss, where the job keeps it")
    .option("--average", "by the moving average of the weights, where the job keeps one")
    .addOption(backendOption());
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["translate both --from photos --to sketches -o sketches.npy", "of all test rows"],
        ["translate both --from photos --to sketches --png out.png", "to look at"],
        ["translate both --from upright --to turned --paired", "how far from the true pairs"],
      ),
    )
    .action(translate);
}

async function translate(name: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const file =
    flags.output === undefined ? undefined : rowsFile(flags.output, "samples", "; --png for a picture");
  const { loadReportBackend } = await import("../report/load-model.ts");
  const { openNamedRun } = await import("../report/open-run.ts");
  const { measuredSplit } = await import("../report/read-split.ts");
  const { checkPaired, pairedErrors } = await import("../translate/paired-errors.ts");
  const { translationPair } = await import("../translate/translation-pair.ts");
  const { checkPicture, translationPicture } = await import("../translate/translation-picture.ts");
  const { firstRows, loadTranslation, translateRows } = await import("../translate/translate-rows.ts");
  const note = (line: string): void => output.note(line);
  const run = await openNamedRun(runsDirectory(flags), name, note, flags);
  const pair = translationPair(run, flags.from, flags.to);
  const split = measuredSplit(pair.from, flags.split);
  if (flags.paired === true) checkPaired(pair, split);
  if (flags.png !== undefined) checkPicture(pair);
  const backend = await loadReportBackend(flags.backend);
  const source = await firstRows(pair.from, split, flags.samples);
  const target = flags.paired === true ? (await firstRows(pair.to, split, source.rows)).x : undefined;
  const compute = await loadTranslation(run, pair, backend);
  let translated: Float32Array;
  let errors: PairedErrors | undefined;
  try {
    translated = await translateRows(compute, run, pair, source);
    errors =
      target && (await pairedErrors(compute, run, pair, { source, translated, target }, backend, note));
  } finally {
    await compute.close();
  }
  const { shape } = pair.to.manifest.x;
  if (file) note(await writeRows(file, { rows: source.rows, shape, values: translated }, "reconstruction"));
  if (flags.png !== undefined) {
    const picture = translationPicture(pair, {
      ...{ rows: source.rows, source: source.x, translated },
      ...(target && { target }),
      ...(source.y && { labels: source.y }),
    });
    await writeFile(flags.png, picture);
    note(`picture: ${flags.png}`);
  }
  const result = { runId: run.runId, step: run.version, from: flags.from, to: flags.to, split };
  output.result(
    { ...result, samples: source.rows, shape, file: flags.output ?? null, errors: errors ?? null },
    [
      `${flags.from} → ${flags.to}: ${formatCount(source.rows)} ${split} samples (${run.runId}, step ${formatCount(run.version)})`,
      ...(errors ? [errorTable(errors)] : []),
    ].join("\n"),
  );
}

function errorTable({ translation, mean, leastSquares, reconstruction }: PairedErrors): string {
  return formatTable(
    ["", "mean squared error per number"],
    [
      ["  translated", formatLoss(translation)],
      ["  mean of the target's training rows", formatLoss(mean)],
      ["  least squares, fitted to the pairs", leastSquares === null ? null : formatLoss(leastSquares)],
      ["  the target's own reconstruction", formatLoss(reconstruction)],
    ],
  );
}
