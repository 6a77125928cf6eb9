import type { DatasetConverter } from "./dataset-entry.ts";

export const tableFile = "table.csv";

/** Cuts a JSON list of objects (or of arrays, in the order of `columns`) down to its complete rows, as a CSV file. */
export function jsonTable(columns: readonly string[]): () => DatasetConverter {
  return () =>
    converter((bytes) => {
      const rows = JSON.parse(Buffer.from(bytes).toString("utf8")) as (unknown[] | Record<string, unknown>)[];
      return rows.map((row) => columns.map((name, index) => (Array.isArray(row) ? row[index] : row[name])));
    }, columns);
}

/** Cuts a plain CSV file (no quotes, a header line) down to `columns`. */
export function csvTable(columns: readonly string[]): () => DatasetConverter {
  return () =>
    converter((bytes) => {
      const [header = [], ...rows] = Buffer.from(bytes)
        .toString("utf8")
        .trim()
        .split(/\r?\n/)
        .map((line) => line.split(","));
      const indexes = columns.map((name) => header.indexOf(name));
      return rows.map((row) => indexes.map((index) => row[index]));
    }, columns);
}

function converter(read: (bytes: Uint8Array) => unknown[][], columns: readonly string[]): DatasetConverter {
  let text = "";
  return {
    add(_path, bytes) {
      const complete = read(bytes).filter((row) =>
        row.every((cell) => cell !== null && cell !== undefined && cell !== ""),
      );
      text = [columns, ...complete].map((row) => `${row.map(String).join(",")}\n`).join("");
    },
    finish: () => new Map([[tableFile, new TextEncoder().encode(text)]]),
  };
}
