import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { readPastPoints } from "./past-points.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "past-points-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

function write(lines: readonly string[]): string {
  const directory = fs.mkdtempSync(path.join(folder, "run-"));
  fs.mkdirSync(path.join(directory, "metrics"));
  fs.writeFileSync(path.join(directory, "metrics", "steps.jsonl"), lines.map((line) => `${line}\n`).join(""));
  return directory;
}

const rowOf = (step: number, padding = ""): string =>
  JSON.stringify({
    step,
    atMs: 1,
    stepMs: 2,
    samplesPerSecond: 3,
    workers: 1,
    loss: { a: 1 },
    evaluation: {},
    padding,
  });

it("reads what was recorded: each step once, in order, and nothing that is not a point", async () => {
  const directory = write([rowOf(0), rowOf(2), "{", '{"step":9}', rowOf(1), rowOf(2), rowOf(3)]);
  const points = await readPastPoints(directory, 3);
  expect(points.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(Object.keys(points[0] ?? {})).toEqual([
    "step",
    "atMs",
    "stepMs",
    "samplesPerSecond",
    "workers",
    "loss",
    "evaluation",
  ]);
});

it("reads the end of a long series, and nothing where there is none", async () => {
  const directory = write(Array.from({ length: 600 }, (_, step) => rowOf(step, "x".repeat(10_000))));
  const steps = (await readPastPoints(directory, 600)).map(({ step }) => step);
  expect(steps.at(-1)).toBe(599);
  expect(steps.length).toBeGreaterThan(100);
  expect(steps.length).toBeLessThan(600);
  expect(await readPastPoints(folder, 10)).toEqual([]);
});
