/**
 * node examples/reproduce/school/run.mjs SCHOOL.csv [--splits N] [--only mean,mtrl] [--keep FOLDER]
 *
 * Explained variance on School, with 2 workers. FOLDER keeps runs and figures, so that a stopped command goes on.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { importSources } from "../../../tools/build/bundle-sources.mjs";
import { latentweave } from "../../../tools/ci/latentweave.mjs";
import { openRunFolder } from "../run-folder.mjs";
import { mean, withDeviation } from "../spread.mjs";
import { explainedVariance, ridge, targetsOf } from "./score.mjs";
import { dealRows, readSchools, writeSchools } from "./tasks.mjs";

const settings = JSON.parse(readFileSync(new URL("settings.json", import.meta.url), "utf8"));
const published = {
  "ridge per task": "34.79 ± 1.12",
  "pooled ridge": "33.87 ± 0.88",
  mean: "37.58 ± 1.02",
  mtrl: "35.15 ± 1.04",
};

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { splits: { type: "string" }, only: { type: "string" }, keep: { type: "string" } },
});
const [file] = positionals;
if (!file || !existsSync(file)) {
  console.error(
    file
      ? `there is no file ${file}`
      : "usage: run.mjs SCHOOL.csv [--splits N] [--only mean,mtrl] [--keep FOLDER]",
  );
  console.error("  expected: the table with the header task,x1,...,x28,y; see the README beside this file");
  process.exit(2);
}

const runFolder = openRunFolder("school", flags.keep);
const seeds = settings.seeds.slice(0, Number(flags.splits ?? settings.seeds.length));
const names = flags.only?.split(",") ?? Object.keys(settings.regularisers);
const schools = readSchools(file);
writeSchools(schools, runFolder.folder);
const { splitRows } = await importSources(
  `export { splitRows } from "./libs/runtime/datasets/src/prepare/split-rows.ts";`,
);

/** Tasks of the job weigh by their rows, so that the loss is that of all rows together. */
function jobOf(omega, lambda, split, dealt) {
  const meanRows = dealt.reduce((sum, { train: rows }) => sum + rows.length, 0) / dealt.length;
  const tasks = dealt.map(({ school, train: { length } }) => [
    school,
    {
      data: { csv: `${school}.csv`, target: "y", targetKind: "number", split },
      reconstruction: false,
      heads: { score: { kind: "regression" } },
      microBatch: length,
      slots: 1,
      weight: length / meanRows,
    },
  ]);
  return {
    name: `school ${omega}`,
    tasks: Object.fromEntries(tasks),
    regulariser: { omega, lambda, on: "heads", ...settings.regularisers[omega].fields },
    steps: settings.steps,
    optimiser: { kind: "adam", learningRate: 0.1 },
    schedule: { kind: "cosine" },
    evaluate: { everySteps: settings.steps, split: split.validation > 0 ? "validation" : "test" },
    checkpoints: { everySteps: 0 },
    recovery: { everySteps: 0 },
    launcher: { kind: "local", workers: 2 },
  };
}

/** One run of the product; its figure is kept. */
async function trained(omega, lambda, seed, validation) {
  const part = validation > 0 ? "validation" : "test";
  const runId = `${omega}-${seed}-${part}-${String(lambda).replace(".", "_")}`;
  return await runFolder.figure(runId, async () => {
    const split = { test: settings.test, validation, seed };
    const dealt = dealRows(schools, split, splitRows);
    const { evaluation, seconds, hash } = await runFolder.train(runId, jobOf(omega, lambda, split, dealt));
    const squaredErrors = dealt.reduce(
      (sum, task) => sum + evaluation[task.school]["score.squaredError"] * task[part].length,
      0,
    );
    const variance = explainedVariance(squaredErrors, targetsOf(dealt, part));
    return { explainedVariance: variance, seconds, hash, runId };
  });
}

/** λ on the validation rows, then once more on all training rows, then the test rows. */
async function chosen(omega, seed) {
  const tried = [];
  for (const lambda of settings.regularisers[omega].lambdas)
    tried.push({ lambda, ...(await trained(omega, lambda, seed, settings.validation)) });
  const { lambda } = tried.reduce((a, b) => (b.explainedVariance > a.explainedVariance ? b : a));
  return { lambda, ...(await trained(omega, lambda, seed, 0)) };
}

function chosenRidge(pooled, seed) {
  const dealt = dealRows(schools, { test: settings.test, validation: settings.validation, seed }, splitRows);
  const tried = settings.ridge.map((lambda) => ({
    lambda,
    value: ridge(dealt, { lambda, pooled, part: "validation", train: ["train"] }),
  }));
  const { lambda } = tried.reduce((a, b) => (b.value > a.value ? b : a));
  const value = ridge(dealt, { lambda, pooled, part: "test", train: ["train", "validation"] });
  return { lambda, explainedVariance: value };
}

const startMs = performance.now();
const table = Object.fromEntries(["ridge per task", "pooled ridge", ...names].map((name) => [name, []]));
for (const seed of seeds) {
  table["ridge per task"].push(chosenRidge(false, seed));
  table["pooled ridge"].push(chosenRidge(true, seed));
  for (const omega of names) table[omega].push(await chosen(omega, seed));
  const line = Object.entries(table).map(
    ([name, all]) => `${name} ${all.at(-1).explainedVariance.toFixed(2)}`,
  );
  console.log(`split ${seed}: ${line.join(", ")}`);
}
const learned = table.mtrl?.at(-1)?.runId;
if (learned) {
  const { stdout } = await latentweave(["inspect", learned, "--runs", runFolder.runs]);
  console.log(`\n${stdout.slice(stdout.indexOf("learned by mtrl")).trimEnd()}`);
}
const minutes = ((performance.now() - startMs) / 60_000).toFixed(0);
console.log(
  `\nexplained variance in %, mean ± deviation over ${seeds.length} splits (seeds ${seeds.join(", ")})\n`,
);
console.log("| method | ours | λ chosen on validation | published |\n| --- | --- | --- | --- |");
const results = Object.entries(table).map(([name, all]) => {
  const values = all.map((one) => one.explainedVariance);
  const lambdas = all.map(({ lambda }) => lambda).join(", ");
  console.log(`| ${name} | ${withDeviation(values)} | ${lambdas} | ${published[name] ?? ""} |`);
  return { name, mean: mean(values) };
});
console.log(`\n${minutes} minutes, 2 workers`);
const best = results.slice(2).reduce((a, b) => (b.mean > a.mean ? b : a));
const [alone] = results;
console.log(
  `best: ${best.name} ${best.mean.toFixed(2)}, ${(best.mean - alone.mean).toFixed(2)} above ridge per task`,
);
runFolder.close();
