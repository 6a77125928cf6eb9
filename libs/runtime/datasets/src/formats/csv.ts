import { createReadStream } from "node:fs";
import { UserError } from "@latentweave/protocol";
import { CategoryColumn } from "./category-column.ts";
import { csvRecords, isDecimal } from "./csv-records.ts";
import { GrowingFloats } from "./growing-floats.ts";
import { type TargetData, type TargetOptions, TargetReader } from "./target-reader.ts";

/** How to read a table; names are those of the header line. */
export interface CsvOptions extends TargetOptions {
  readonly features?: readonly string[] | undefined;
  readonly target?: string | readonly string[] | undefined;
  readonly oneHot?: readonly string[] | undefined;
  readonly missing?: "error" | "drop" | undefined;
}

export interface TableData {
  readonly rows: number;
  /** [rows, names.length], row-major; one-hot columns spread out, in the order of the input columns. */
  readonly x: Float32Array;
  readonly names: readonly string[];
  /** For each number of a row: true when it is a 0/1 number of a category. */
  readonly categorical: readonly boolean[];
  readonly oneHot: readonly { column: string; values: readonly string[] }[];
  readonly y: TargetData | undefined;
}

type Cells = readonly string[];
/**
 * Reads a comma- (or, for .tsv, tab-) separated table with a header line, row by row.
 * @throws UserError naming file, line and column: ragged row, cell that is no number, empty cell, unknown column
 */
export async function readCsvFile(file: string, options: CsvOptions): Promise<TableData> {
  let table: TableReader | undefined;
  for await (const { record, info } of csvRecords(file, createReadStream(file))) {
    if (table) table.add(record, info.lines);
    else table = new TableReader(file, record, options);
  }
  if (!table)
    throw new UserError({
      what: "the file is empty",
      where: file,
      expected: "a header line and rows",
      mend: "name another file, or write the table again",
    });
  return table.finish();
}

/** A wrong delimiter makes a cell of a whole line; a message needs only its beginning. */
const shownCharacters = 40;

interface InputColumn {
  readonly name: string;
  readonly index: number;
  readonly category: CategoryColumn | undefined;
}

/** Takes rows in as they come; columns of categories are spread out at the end, when all their values are known. */
class TableReader {
  readonly #file: string;
  readonly #header: Cells;
  readonly #inputs: readonly InputColumn[];
  readonly #targets: readonly { readonly name: string; readonly index: number }[];
  readonly #target: TargetReader | undefined;
  readonly #dropMissing: boolean;
  readonly #cells = new GrowingFloats();
  #rows = 0;

  constructor(file: string, header: Cells, options: CsvOptions) {
    this.#file = file;
    this.#header = header;
    const targets = options.target === undefined ? [] : [options.target].flat();
    const oneHot = new Set(options.oneHot ?? []);
    const features = options.features ?? header.filter((name) => !targets.includes(name));
    for (const name of oneHot) {
      if (!features.includes(name)) {
        throw new UserError({
          what: `oneHot names "${name}", which is no input column`,
          where: file,
          expected: features.join(", "),
        });
      }
    }
    this.#inputs = features.map((name) => ({
      name,
      index: this.#indexOf(name),
      category: oneHot.has(name) ? new CategoryColumn() : undefined,
    }));
    this.#targets = targets.map((name) => ({ name, index: this.#indexOf(name) }));
    this.#target = targets.length === 0 ? undefined : new TargetReader(file, targets, options);
    this.#dropMissing = options.missing === "drop";
    if (features.length === 0)
      throw new UserError({ what: "no input column is left", where: file, mend: "name some in features" });
  }

  add(record: Cells, line: number): void {
    if (record.length !== this.#header.length) {
      throw new UserError({
        what: `the row has ${record.length} cells`,
        where: `${this.#file}, line ${line}`,
        expected: `${this.#header.length}, as in the header line`,
        mend: "complete or remove the row; a comma within a cell needs quotes around the cell",
      });
    }
    const needed = this.#target?.mayMiss === true ? this.#inputs : [...this.#inputs, ...this.#targets];
    if (this.#dropMissing && needed.some(({ index }) => record[index] === "")) return;
    for (const { index, category } of this.#inputs) {
      const cell = record[index] as string;
      if (category && cell === "") throw this.#cellProblem("the cell is empty", index, line, "a category");
      this.#cells.push(category ? category.indexOf(cell) : this.#number(cell, index, line));
    }
    for (const { index } of this.#targets)
      this.#target?.add(record[index] as string, {
        number: (cell) => this.#number(cell, index, line),
        problem: (what, expected, mend) => this.#cellProblem(what, index, line, expected, mend),
      });
    this.#rows++;
  }

  #number(cell: string, index: number, line: number): number {
    const value = Math.fround(Number(cell));
    if (isDecimal(cell) && Number.isFinite(value)) return value;
    const shown = JSON.stringify(
      cell.length > shownCharacters ? `${cell.slice(0, shownCharacters)}...` : cell,
    );
    const what =
      cell === ""
        ? "the cell is empty"
        : /^[+-]?(nan|inf(inity)?)$/i.test(cell)
          ? `${shown} is not a finite number`
          : isDecimal(cell)
            ? `${shown} is too large for a 32-bit float`
            : `${shown} is not a number`;
    throw this.#cellProblem(what, index, line, "a decimal number");
  }

  #cellProblem(what: string, index: number, line: number, expected: string, mend?: string): UserError {
    const name = this.#header[index] as string;
    const isTarget = this.#targets.some((target) => target.index === index);
    return new UserError({
      what,
      where: `${this.#file}, line ${line}, column ${index + 1} (${name})`,
      expected,
      mend: mend
        ? mend
        : what.includes("empty")
          ? `fill it in, or let such rows be left out with missing: "drop"${isTarget ? ", or trained on without their label with unlabelled: true" : ""}`
          : isTarget
            ? 'mend the cell, or set targetKind: "class" if the column holds labels'
            : `mend the cell, or leave the column out of features, or add "${name}" to oneHot if it holds categories`,
    });
  }

  #indexOf(name: string): number {
    const index = this.#header.indexOf(name);
    if (index < 0) {
      throw new UserError({
        what: `has no column "${name}"`,
        where: this.#file,
        expected: `one of: ${this.#header.join(", ")}`,
      });
    }
    if (this.#header.lastIndexOf(name) !== index) {
      throw new UserError({
        what: `has two columns named "${name}"`,
        where: this.#file,
        mend: "rename one of them",
      });
    }
    return index;
  }

  finish(): TableData {
    if (this.#rows === 0) {
      throw new UserError({
        what: "has no rows",
        where: this.#file,
        expected: "rows below the header line",
        mend: "name another file, or write the table again",
      });
    }
    const categories = this.#inputs.map(({ category }) => category?.sorted());
    const names = this.#inputs.flatMap(
      ({ name }, at) => categories[at]?.values.map((value) => `${name}=${value}`) ?? [name],
    );
    const x = new Float32Array(this.#rows * names.length);
    const cells = this.#cells.view();
    let to = 0;
    for (let from = 0; from < cells.length;) {
      for (const category of categories) {
        const value = cells[from++] as number;
        if (category) {
          x[to + (category.rank[value] as number)] = 1;
          to += category.values.length;
        } else {
          x[to++] = value;
        }
      }
    }
    return {
      rows: this.#rows,
      x,
      names,
      categorical: categories.flatMap((category) => category?.values.map(() => true) ?? [false]),
      oneHot: this.#inputs.flatMap(({ name }, at) => {
        const category = categories[at];
        return category ? [{ column: name, values: category.values }] : [];
      }),
      y: this.#target?.finish(),
    };
  }
}
