import { createInterface, type Interface } from "node:readline/promises";
import { describeCsv } from "@latentweave/datasets";
import { formatCount } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";
import type { TaskWish } from "./propose-task.ts";

/** What a person said at the terminal. */
export interface Answers {
  readonly wishes: readonly TaskWish[];
  readonly latent: number | undefined;
  readonly output: string;
}

/** Asks for files, targets, the latent's size and the job's name; an empty answer takes what stands in brackets. */
export async function askForJob(defaultOutput: string): Promise<Answers> {
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const wishes = await askForFiles(questions);
    const latent = await questions.question("numbers in the latent [by the data]: ");
    const output = await questions.question(`job file, .ts, .yaml or .json [${defaultOutput}]: `);
    return {
      wishes,
      latent: /^[1-9]\d*$/.test(latent.trim()) ? Number(latent) : undefined,
      output: output.trim() || defaultOutput,
    };
  } finally {
    questions.close();
  }
}

async function askForFiles(questions: Interface): Promise<TaskWish[]> {
  const wishes: TaskWish[] = [];
  for (;;) {
    const more =
      wishes.length === 0 ? "your data, a CSV, NPY or NPZ file" : "another file, as a task of its own [no]";
    const file = (await questions.question(`${more}: `)).trim();
    if (file === "" && wishes.length > 0) return wishes;
    if (file !== "") wishes.push(await askForTarget(questions, file));
  }
}

async function askForTarget(questions: Interface, file: string): Promise<TaskWish> {
  if (!/\.(csv|tsv)$/i.test(file)) return { file };
  const { rows, columns } = await describeCsv(file);
  const table = columns.map(({ name, kind, distinct, empty }) => [
    name,
    kind,
    distinct,
    empty === 0 ? "" : empty,
  ]);
  process.stderr.write(
    `${formatCount(rows)} rows\n${formatTable(["column", "kind", "values", "empty"], table)}\n`,
  );
  for (;;) {
    const target = (await questions.question("column to predict [none]: ")).trim();
    if (target === "") return { file };
    if (columns.some(({ name }) => name === target)) return { file, target };
    process.stderr.write(`there is no column "${target}"\n`);
  }
}
