import { stripVTControlCharacters } from "node:util";

export type Cell = string | number | null | undefined;

/** Columns side by side, two spaces apart; those whose cells are all numbers lean right. Colour codes take no width. */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => header.map((_, column) => cellText(row[column])));
  const right = header.map((_, column) =>
    texts.every((row) => /^[+\-−]?[\d.,]*\d\s*(%|ms|s|\/s|[kMG]?B)?$|^[-–]?$/.test(plain(row[column] ?? ""))),
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => plain(row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0, right[column] === true))
      .join("  ")
      .trimEnd();
  return [line(header), ...texts.map(line)].join("\n");
}

function cellText(cell: Cell): string {
  return cell === null || cell === undefined ? "–" : String(cell);
}

function plain(text: string): string {
  return stripVTControlCharacters(text);
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - plain(text).length));
  return right ? space + text : text + space;
}
