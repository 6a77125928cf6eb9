import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { collect, wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import type { JobFormat } from "../init/job-text.ts";
import type { ProposedTask, TaskWish } from "../init/propose-task.ts";

interface Flags extends SharedFlags {
  readonly output: string;
  readonly target?: readonly string[];
  readonly targetKind?: "class" | "number";
  readonly latent?: number;
  readonly steps: number;
  readonly name?: string;
  readonly force?: boolean;
}

export function addInit(program: Command): void {
  const verb = program
    .command("init")
    .summary("a job file from your own data")
    .description(
      "Looks at your CSV, NPY or NPZ files and writes a commented job file that works: each file becomes a task. Asks at a terminal when no file is named.",
    )
    .argument("[data...]", "CSV, TSV, NPY, NPZ or IDX files, or data sets of the catalogue")
    .option("-o, --output <file>", "the job file: .ts, .mjs, .yaml or .json", "job.ts")
    .option(
      "--target <column>",
      "column of a table to predict; may be given once per table, in order",
      collect,
    )
    .addOption(
      new Option(
        "--target-kind <kind>",
        "whether targets are classes or numbers; default: by their values",
      ).choices(["class", "number"]),
    )
    .option("--latent <n>", "numbers in the latent; default: by the data", wholeNumber(1))
    .option("--steps <n>", "steps to train for", wholeNumber(1), 500)
    .option("--name <name>", "the job's name; default: the first file's")
    .option("--force", "replace a job file that is there already");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["init", "asks"],
        ["init wine.csv --target quality", "a table, and what to predict"],
        ["init left.npy right.npy -o both.yaml", "two tasks with a shared latent"],
      ),
    )
    .action(init);
}

const formats: Readonly<Record<string, JobFormat>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".js": "ts",
  ".mjs": "ts",
  ".yaml": "yaml",
  ".yml": "yaml",
  ".json": "json",
};

async function init(files: readonly string[], flags: Flags): Promise<void> {
  const said = createOutput(flags);
  const { wishes, latent, output } = await wishesFrom(files, flags);
  const format = formats[path.extname(output)];
  if (format === undefined)
    throw new UserError({
      where: `--output ${output}`,
      what: `a job cannot be written as "${path.extname(output)}"`,
      expected: Object.keys(formats).join(", "),
      mend: "choose another name",
      exitCode: 2,
    });
  if (existsSync(output) && flags.force !== true)
    throw new UserError({
      what: "there is such a file already",
      where: output,
      mend: "choose another --output, or replace it with --force",
    });
  const { jobText } = await import("../init/job-text.ts");
  const { proposeTask } = await import("../init/propose-task.ts");
  const jobDirectory = path.dirname(path.resolve(output));
  const tasks: ProposedTask[] = [];
  for (const wish of wishes)
    tasks.push(
      await proposeTask(
        wish,
        jobDirectory,
        tasks.map(({ name }) => name),
        (line) => said.note(line),
      ),
    );
  const name = flags.name ?? tasks[0]?.name ?? "job";
  const text = jobText(
    { name, tasks, latent: latent ?? flags.latent, steps: flags.steps, file: output },
    format,
  );
  await write(output, text);
  const about = tasks.map((task) => ({
    task: task.name,
    rows: task.manifest.splits.train.rows + task.manifest.splits.test.rows,
    shape: task.manifest.x.shape,
    head: task.head ?? null,
  }));
  said.result(
    { file: output, name, tasks: about },
    [
      `wrote ${output}: ${about.map(({ task, rows, shape }) => `${task} (${rows} rows of ${shape.join("×")})`).join(", ")}`,
      `next   latentweave train ${output}`,
    ].join("\n"),
  );
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UserError({
      what: `cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      where: file,
      mend: "name another --output, in a folder that is there and that you may write to",
      cause: error,
    });
  }
}

async function wishesFrom(
  files: readonly string[],
  flags: Flags,
): Promise<{
  readonly wishes: readonly TaskWish[];
  readonly latent: number | undefined;
  readonly output: string;
}> {
  if (files.length === 0 && process.stdin.isTTY) {
    const { askForJob } = await import("../init/ask.ts");
    return await askForJob(flags.output);
  }
  if (files.length === 0)
    throw new UserError({
      what: "no data was named, and there is no terminal to ask at",
      expected: "latentweave init DATA...",
      mend: "name your CSV, NPY or NPZ files",
      exitCode: 2,
    });
  const targets = [...(flags.target ?? [])];
  const wishes = files.map((file): TaskWish => {
    const target = /\.(csv|tsv)$/i.test(file) ? targets.shift() : undefined;
    return {
      file,
      ...(target === undefined ? {} : { target }),
      ...(flags.targetKind === undefined ? {} : { targetKind: flags.targetKind }),
    };
  });
  if (targets.length > 0)
    throw new UserError({
      where: `--target ${targets.join(", ")}`,
      what: "there are more targets than tables",
      expected: "at most one for each CSV file",
      mend: "leave some out",
      exitCode: 2,
    });
  return { wishes, latent: flags.latent, output: flags.output };
}
