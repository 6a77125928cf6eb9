import type { ReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { UserError } from "@latentweave/protocol";
import { fileProblem } from "../files.ts";

export interface CsvRecord {
  readonly record: readonly string[];
  /** `lines`: the line of the file that the record ends on, from 1. */
  readonly info: { readonly lines: number };
}

/** Decimal numbers only: no hexadecimal, no "NaN", no thousands separators. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export function isDecimal(cell: string): boolean {
  return decimal.test(cell);
}

/**
 * The records of a comma-separated (or, for .tsv, tab-separated) file, the header line first, of whatever length.
 * @throws UserError when the file cannot be read or its quotes do not match
 */
export async function* csvRecords(file: string, input: ReadStream): AsyncGenerator<CsvRecord> {
  const parser = parse({
    bom: true,
    delimiter: file.endsWith(".tsv") ? "\t" : ",",
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  input.on("error", (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    yield* parser as AsyncIterable<CsvRecord>;
  } catch (error) {
    if (error instanceof CsvError) {
      throw new UserError({
        what: error.message,
        where: file,
        expected: "a comma-separated table",
        cause: error,
      });
    }
    throw fileProblem(error, file);
  } finally {
    input.destroy();
  }
}
