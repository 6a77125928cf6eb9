#!/usr/bin/env node
/**
 * Speed beside PyTorch DDP and beside itself, case by case; cases.mjs says what is measured.
 *
 *   npm run bench:matrix                              every case; results are kept, and the page is written
 *   npm run bench:matrix -- --only 3.3m,tiny          these; the others stay as they were measured
 *   npm run bench:matrix -- --rounds 1 --dry          nothing written
 *   npm run bench:matrix -- --guard                   compares with the kept ratios: exit code 1 where one is lower by a tenth
 *   npm run bench:matrix -- --python PATH             a Python that has torch and numpy, in place of one made in the cache
 *
 * tools/bench/results/matrix.json and docs/benchmarks-matrix.md are written.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { coresInUse, describeMachine, isBusy as isMachineBusy } from "./machine.mjs";
import { cases } from "./matrix/cases.mjs";
import { measureCase } from "./matrix/measure-case.mjs";
import { caseTable, matrixPage } from "./matrix/page.mjs";
import { findImages } from "./measure-pytorch.mjs";
import { root } from "./own-command.mjs";
import { setUpPyTorch } from "./pytorch-setup.mjs";
import { writeFormatted } from "./write-formatted.mjs";

/** A ratio swings by some hundredths from run to run. */
const guardShare = 0.9;
const resultsName = "tools/bench/results/matrix.json";
const resultsFile = path.join(root, resultsName);

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "5" },
    dry: { type: "boolean", default: false },
    guard: { type: "boolean", default: false },
    python: { type: "string" },
  },
});

const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error("--rounds takes a whole number of 1 or more");
const known = cases.map(({ name }) => name);
const wanted = values.only?.split(",") ?? known;
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`--only ${unknown.join(",")}: the cases are ${known.join(", ")}`);

const torch = await setUpPyTorch({ asked: values.python, log: console.log });
if (torch.missing !== undefined) console.log(`without PyTorch: ${torch.missing}`);
const images = torch.python === undefined ? undefined : await findImages();
const kept = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : {};
let lower = 0;
for (const one of cases.filter(({ name }) => wanted.includes(name))) {
  const inUse = await coresInUse();
  const isBusy = isMachineBusy(inUse);
  console.log(
    `\n${one.title}${isBusy ? ` (other programs use ${inUse.toFixed(1)} cores: this will not mean much)` : ""}`,
  );
  const measured = await (one.measure ?? measureCase)(one, {
    rounds,
    python: torch.python,
    images,
    kept,
    say: (line) => console.log(`  ${line}`),
  });
  console.log((one.text ?? caseTable)(one, measured, kept));
  const result = { ...measured, isBusy, torch: torch.torch ?? null, machine: await describeMachine() };
  if (values.guard) {
    lower += comparedWith(kept[one.name], result);
    continue;
  }
  kept[one.name] = result;
  if (!values.dry) await keep(one);
}
if (values.guard) process.exitCode = lower > 0 ? 1 : 0;

/** After each case: whoever interrupts loses no more than one. */
async function keep({ name, pictures = () => ({}) }) {
  await writeFormatted(resultsName, JSON.stringify(kept));
  await writeFormatted("docs/benchmarks-matrix.md", matrixPage(cases, kept));
  for (const [file, text] of Object.entries(pictures(kept[name])))
    writeFileSync(path.join(root, "docs/media", file), text);
}

/** @returns how many ratios are lower than what was kept of them */
function comparedWith(before, { ratios = [] }) {
  return ratios.filter(({ of, to, median }) => {
    const old = before?.ratios.find((entry) => entry.of === of && entry.to === to)?.median;
    const isLower = old !== undefined && median < guardShare * old;
    console.log(
      `  ${of} / ${to}: ${median.toFixed(2)}, kept ${old?.toFixed(2) ?? "none"}${isLower ? ": LOWER" : ""}`,
    );
    return isLower;
  }).length;
}
