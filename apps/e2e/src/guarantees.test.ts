/** docs/guarantees.md names tests; each must be there under that name. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { root } from "./command.ts";

const text = readFileSync(path.join(root, "docs", "guarantees.md"), "utf8");
const rows = text
  .split("\n")
  .map((line) => /^\| (\w\d+) +\| `([^`]+\.test\.ts)`: (.+?) +\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, number, file, titles]) => ({
    number: number as string,
    file: file as string,
    titles: [...(titles as string).matchAll(/"([^"]+)"/g)].map(([, title]) => title as string),
  }));

test("every guarantee has a test, and every test that is named exists", () => {
  const promised = [...text.matchAll(/^\| ([SDO]\d) +\| (?!`)/gm)].map(([, number]) => number);
  expect(promised.length).toBeGreaterThan(0);
  expect(promised.filter((number) => rows.every((row) => row.number !== number))).toEqual([]);
  const missing = rows.flatMap(({ file, titles }) => {
    const full = path.join(root, file);
    const source = existsSync(full) ? readFileSync(full, "utf8").replaceAll("\\`", "`") : "";
    return titles.filter((title) => !source.includes(title)).map((title) => `${file}: ${title}`);
  });
  expect(missing).toEqual([]);
});
