import { writeFile } from "node:fs/promises";
import type { BackendName } from "@latentweave/compute";
import { type SplitName, UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends Omit<SharedFlags, "json"> {
  readonly baseline?: readonly string[];
  readonly split?: SplitName;
  readonly backend?: BackendName;
  readonly json?: boolean | string;
  readonly markdown?: string;
  readonly html?: string;
}

export function addCompare(program: Command): void {
  const verb = program
    .command("compare")
    .summary("what one way to train gains over another, with its confidence over seeds")
    .description(
      "Measures runs on rows that they were not trained on and sets them beside a baseline: δ per task, above 0 is better, and Δm, their mean. Runs whose jobs differ in nothing but the seed are repetitions of one side, from which the intervals come. A side of several runs is LABEL=RUN,RUN (say one run for each task), or a folder that holds runs.",
    )
    .argument("<sides...>", "runs, folders of runs, or LABEL=RUN,RUN; the first one is the baseline")
    .option("--baseline <labels...>", "other baselines than the first side, by label")
    .addOption(
      new Option(
        "--split <name>",
        "rows to measure on; default: test, or validation where there is no test",
      ).choices(["test", "validation", "train"]),
    )
    .addOption(backendOption())
    .option("--markdown <file>", "the tables as Markdown")
    .option("--html <file>", "a page of its own, with charts");
  withSharedFlags(verb, { jsonFile: true })
    .addHelpText(
      "after",
      examples(
        ["compare alone=only-digits,only-fashion both", "does learning together help?"],
        ["compare seeds/sum seeds/pcgrad --html gains.html", "two folders of runs with several seeds"],
        ["compare sum pcgrad upgrad --baseline sum pcgrad", "beside two baselines"],
      ),
    )
    .action(compare);
}

async function compare(named: readonly string[], flags: Flags): Promise<void> {
  const output = createOutput({ ...flags, json: flags.json === true });
  const note = (line: string): void => output.note(line);
  const { chooseSides } = await import("../compare/choose-sides.ts");
  const { compareSides } = await import("../compare/compare-sides.ts");
  const { comparisonMarkdown, formatComparison } = await import("../compare/format-comparison.ts");
  const { measureRun } = await import("../compare/measured-run.ts");
  const { readConflictRate } = await import("../compare/conflict-rate.ts");
  const { loadReportBackend } = await import("../report/load-model.ts");
  const sides = await chooseSides(runsDirectory(flags), named);
  const labels = sides.map(({ label }) => label);
  const baselines = flags.baseline ?? labels.slice(0, 1);
  for (const label of baselines)
    if (!labels.includes(label))
      throw new UserError({
        what: `no side is called "${label}"`,
        where: "--baseline",
        expected: `one of ${labels.join(", ")}`,
        mend: "name the baseline among the sides too",
        exitCode: 2,
      });
  const backend = await loadReportBackend(flags.backend);
  const comparison = await compareSides({
    ...{ sides, baselines, backend: backend.name, conflictRate: readConflictRate },
    measure: (directory) =>
      measureRun(directory, {
        ...(flags.split === undefined ? {} : { split: flags.split }),
        ...{ backend, log: note },
      }),
  });
  const write = async (file: string, text: string): Promise<void> => {
    await writeFile(file, text);
    note(`written: ${file}`);
  };
  if (typeof flags.json === "string")
    await write(flags.json, `${JSON.stringify(comparison, undefined, 2)}\n`);
  if (flags.markdown !== undefined) await write(flags.markdown, comparisonMarkdown(comparison));
  if (flags.html !== undefined) {
    const { comparisonPage } = await import("../compare/comparison-page.ts");
    await write(flags.html, comparisonPage(comparison));
  }
  output.result(comparison, formatComparison(comparison));
}
