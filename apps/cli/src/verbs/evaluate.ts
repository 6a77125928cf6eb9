import { writeFile } from "node:fs/promises";
import type { BackendName } from "@latentweave/compute";
import { type SplitName, UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly baselines?: boolean;
  readonly alone?: readonly string[];
  readonly png?: string;
  readonly report?: string;
  readonly split?: SplitName;
  readonly draws?: number;
  readonly best?: boolean;
  readonly average?: boolean;
  readonly backend?: BackendName;
}

export function addEvaluate(program: Command): void {
  const verb = program
    .command("evaluate")
    .summary("what was learned, on samples never trained on")
    .description(
      "Measures a run's newest checkpoint on the test split (or another, with --split): reconstruction error and the accuracy of heads, per task.",
    )
    .argument("<run>", "a run, RUN@STEP for the checkpoint of that step, or RUN@best")
    .option(
      "--best",
      "the checkpoint with the least held-out loss, where the job keeps it (checkpoints.best)",
    )
    .option("--average", "the moving average of the weights, where the job keeps one (average)")
    .option(
      "--baselines",
      "beside PCA (as many components as the latent has numbers) and a linear classifier on the raw samples, both fitted here to the same training data",
    )
    .option("--alone <runs...>", "beside runs that trained single tasks")
    .option("--png <file>", "a picture with originals and reconstructions, where samples are images")
    .option(
      "--report <path>",
      "a report with curves, pictures, latents and how the tasks lie to each other, beside the baselines: a folder for JSON, Markdown and a page, or one file by its ending (.html, .md, .json)",
    )
    .addOption(
      new Option(
        "--split <name>",
        "rows to measure on; default: test, or validation where there is no test",
      ).choices(["test", "validation", "train"]),
    )
    .option(
      "--draws <n>",
      "beside the importance-weighted estimate of the likelihood by so many draws for each sample, where a latent is variational",
      wholeNumber(1, 1_000_000),
    )
    .addOption(backendOption());
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["evaluate digits-1", "test error and accuracy"],
        ["evaluate digits-1@500", "as it was after 500 steps"],
        ["evaluate digits-1 --best", "the weights that did best on validation rows"],
        ["evaluate digits-1 --baselines --png digits.png", "beside baselines, with a picture"],
        ["evaluate digits-1 --draws 500", "how likely the samples are under a variational model"],
        ["evaluate digits-1 --report out/", "the whole report: a page of its own, Markdown and JSON"],
        ["evaluate both --alone only-digits only-fashion", "does learning together help?"],
      ),
    )
    .action(evaluate);
}

async function evaluate(run: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const note = (line: string): void => output.note(line);
  const { loadReportBackend } = await import("../report/load-model.ts");
  const { openNamedRun } = await import("../report/open-run.ts");
  const { makeReport } = await import("../report/make-report.ts");
  const { formatReport } = await import("../report/format-report.ts");
  const runs = runsDirectory(flags);
  const opened = await openNamedRun(runs, run, note, flags);
  const alone = [];
  for (const other of flags.alone ?? []) alone.push(await openNamedRun(runs, other, note));
  const backend = await loadReportBackend(flags.backend);
  const { report, pcas } = await makeReport({
    run: opened,
    alone,
    baselines: flags.baselines === true || flags.report !== undefined,
    ...(flags.split === undefined ? {} : { split: flags.split }),
    ...(flags.draws === undefined ? {} : { draws: flags.draws }),
    backend,
    log: note,
  });
  if (flags.png !== undefined) {
    const { pictureBlocks } = await import("../report/picture-blocks.ts");
    const { drawPicture } = await import("../report/picture.ts");
    const pictured = [{ label: alone.length > 0 ? "together" : "learned", run: opened }];
    for (const other of alone) pictured.push({ label: "alone", run: other });
    const blocks = await pictureBlocks(pictured, pcas, backend);
    if (blocks.length === 0)
      throw new UserError({
        where: "--png",
        what: `run ${opened.runId} has no task that reconstructs images`,
        expected: "samples of shape [height, width] with 1 or 3 channels",
        mend: "leave --png out",
      });
    await writeFile(flags.png, drawPicture(blocks));
    note(`picture: ${flags.png}`);
  }
  if (flags.report !== undefined) {
    const { makeDocument } = await import("../report/document/run-document.ts");
    const { writeDocument } = await import("../report/document/write-document.ts");
    const document = await makeDocument(opened, { report, pcas }, backend);
    for (const file of await writeDocument(flags.report, document)) note(`report: ${file}`);
  }
  output.result(report, formatReport(report, { together: "learned", alone: "alone" }));
}
