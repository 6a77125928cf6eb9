import { createReadStream } from "node:fs";
import { UserError } from "@latentweave/protocol";
import { csvRecords, isDecimal } from "./csv-records.ts";

export interface DescribedColumn {
  readonly name: string;
  /** `number` when every filled cell is one. */
  readonly kind: "number" | "category";
  /** Different values, counted up to 1000. */
  readonly distinct: number;
  readonly empty: number;
}

const countedValues = 1000;

/** What a table holds, column by column: from this `latentweave init` proposes a job. @throws UserError as `prepare` does */
export async function describeCsv(
  file: string,
): Promise<{ rows: number; columns: readonly DescribedColumn[] }> {
  let rows = -1;
  let columns: { name: string; numeric: boolean; values: Set<string>; empty: number }[] = [];
  for await (const { record } of csvRecords(file, createReadStream(file))) {
    rows++;
    if (rows === 0) columns = record.map((name) => ({ name, numeric: true, values: new Set(), empty: 0 }));
    else {
      columns.forEach((column, index) => {
        const cell = record[index] ?? "";
        if (cell === "") column.empty++;
        else if (!isDecimal(cell)) column.numeric = false;
        if (column.values.size < countedValues) column.values.add(cell);
      });
    }
  }
  if (rows < 0)
    throw new UserError({
      what: "the file is empty",
      where: file,
      expected: "a header line and rows",
      mend: "name another file, or write the table again",
    });
  return {
    rows,
    columns: columns.map(({ name, numeric, values, empty }) => ({
      name,
      kind: numeric ? "number" : "category",
      distinct: values.size - (values.has("") ? 1 : 0),
      empty,
    })),
  };
}
