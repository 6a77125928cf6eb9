import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "@latentweave/protocol";
import { readCsvFile, type CsvOptions } from "./csv.ts";
import { describeCsv } from "./describe-csv.ts";

const folder = mkdtempSync(path.join(tmpdir(), "latentweave-csv-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string, name = "table.csv"): string {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
}

async function problem(text: string, options: CsvOptions = {}): Promise<string> {
  const error: unknown = await readCsvFile(file(text), options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message.replaceAll(`${folder}/`, "");
}

describe("a table", () => {
  it("gives numbers as float32, row by row", async () => {
    const table = await readCsvFile(file("a,b\n1,2.5\n-3e2,.1\n"), {});
    expect(table.names).toEqual(["a", "b"]);
    expect([...table.x]).toEqual([1, 2.5, -300, Math.fround(0.1)]);
    expect(table.y).toBeUndefined();
  });

  it("spreads categories in the order of their names, and numbers text targets the same way", async () => {
    const text = "size,colour,kind\n1,red,dog\n2,blue,cat\n3,red,cat\n";
    const table = await readCsvFile(file(text), { target: "kind", oneHot: ["colour"] });
    expect(table.names).toEqual(["size", "colour=blue", "colour=red"]);
    expect([...table.x]).toEqual([1, 0, 1, 2, 1, 0, 3, 0, 1]);
    expect(table.categorical).toEqual([false, true, true]);
    expect(table.y).toEqual({ kind: "class", labels: Int32Array.of(1, 0, 0), names: ["cat", "dog"] });
  });

  it("takes number columns as number targets unless told that they are classes, ordered by value", async () => {
    const text = "a,t\n1,10\n2,9\n";
    const numbers = await readCsvFile(file(text), { target: ["t"] });
    expect(numbers.y).toEqual({ kind: "number", values: Float32Array.of(10, 9), names: ["t"] });
    const classes = await readCsvFile(file(text), { target: "t", targetKind: "class" });
    expect(classes.y).toEqual({ kind: "class", labels: Int32Array.of(1, 0), names: ["9", "10"] });
  });

  it("reads tabs, quotes, a byte order mark and Windows line ends", async () => {
    const table = await readCsvFile(file('\uFEFFa\t"b ""c"""\r\n1\t"2"\r\n\r\n', "table.tsv"), {});
    expect(table.names).toEqual(["a", 'b "c"']);
    expect([...table.x]).toEqual([1, 2]);
  });

  it("leaves rows with empty cells out when told so", async () => {
    const table = await readCsvFile(file("a,b,unused\n1,,\n2,3,\n"), {
      features: ["a", "b"],
      missing: "drop",
    });
    expect([...table.x]).toEqual([2, 3]);
  });

  it("says what its columns hold", async () => {
    const described = await describeCsv(file("a,b,c\n1,x,\n2,y,3\n2,x,\n"));
    expect(described).toEqual({
      rows: 3,
      columns: [
        { name: "a", kind: "number", distinct: 2, empty: 0 },
        { name: "b", kind: "category", distinct: 2, empty: 0 },
        { name: "c", kind: "number", distinct: 1, empty: 2 },
      ],
    });
  });
});

describe("a bad table names file, line and column", () => {
  it("of a ragged row", async () => {
    expect(await problem("a,b\n1,2\n3\n")).toMatch(
      /^table\.csv, line 3: the row has 1 cells\n {2}expected: 2/,
    );
  });

  it("of a cell that is no number", async () => {
    expect(await problem("a,b\n1,2\n3,four\n")).toMatch(
      /^table\.csv, line 3, column 2 \(b\): "four" is not a number/,
    );
    expect(await problem("a,b\n1,2\n3,0x10\n")).toContain('"0x10" is not a number');
  });

  it("of NaN, infinity and what overflows a float", async () => {
    for (const cell of ["NaN", "-inf", "1e39"]) {
      expect(await problem(`a,b\n1,2\n${cell},4\n`)).toMatch(/^table\.csv, line 3, column 1 \(a\): "/);
    }
  });

  it("of an empty cell, with the way to drop such rows", async () => {
    expect(await problem("a,b\n1,\n")).toMatch(
      /line 2, column 2 \(b\): the cell is empty[^]*missing: "drop"/,
    );
  });

  it("after a quoted cell of several lines", async () => {
    expect(await problem('a,b\n"x\ny",2\nz,no\n', { features: ["b"] })).toContain("line 4, column 2 (b)");
  });

  it("or the columns it has, when one is asked for that it has not", async () => {
    expect(await problem("a,b\n1,2\n", { target: "c" })).toMatch(
      /has no column "c"\n {2}expected: one of: a, b/,
    );
    expect(await problem("a,b\n1,2\n", { oneHot: ["c"] })).toContain('oneHot names "c"');
    expect(await problem("a,a\n1,2\n", { features: ["a"] })).toContain('two columns named "a"');
  });

  it("or that there is nothing in it", async () => {
    expect(await problem("")).toContain("the file is empty");
    expect(await problem("a,b\n")).toContain("has no rows");
    await expect(readCsvFile(path.join(folder, "missing.csv"), {})).rejects.toThrow("no such file");
  });

  it("or that its quotes do not match", async () => {
    expect(await problem('a,b\n1,"2\n')).toContain("table.csv: Quote Not Closed");
  });
});
