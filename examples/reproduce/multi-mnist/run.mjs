/**
 * node examples/reproduce/multi-mnist/run.mjs [--short] [--seeds N] [--only mgda,pcgrad] [--steps N] [--keep FOLDER]
 *
 * Both accuracies on MultiMNIST of the tuned sum, of combiners, and of each task alone, with 2 workers. FOLDER keeps
 * runs and figures, so that a stopped command goes on.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { openRunFolder } from "../run-folder.mjs";
import { withDeviation } from "../spread.mjs";
import { differences, verdict } from "./differences.mjs";
import { writeImages } from "./write-images.mjs";

const { values: flags } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seeds: { type: "string" },
    only: { type: "string" },
    steps: { type: "string" },
    keep: { type: "string" },
  },
});
const { short, ...whole } = JSON.parse(readFileSync(new URL("settings.json", import.meta.url), "utf8"));
const settings = flags.short ? { ...whole, ...short } : whole;
const steps = Number(flags.steps ?? settings.steps);
const seeds = whole.seeds.slice(0, Number(flags.seeds ?? settings.seeds.length));
const combiners = flags.only?.split(",") ?? settings.combiners;
if (seeds.length < 2 || !(steps >= 1)) {
  console.error("usage: run.mjs [--short] [--seeds N] [--only mgda,pcgrad] [--steps N] [--keep FOLDER]");
  console.error("  expected: 2 seeds or more, which intervals need, and 1 step or more");
  process.exit(2);
}

const runFolder = openRunFolder("multi-mnist", flags.keep);
const { folder } = runFolder;
if (!existsSync(path.join(folder, "test-right.idx"))) await writeImages(folder);

const sides = ["left", "right"];
const dense = (units, activation) => ({ kind: "dense", units, ...(activation && { activation }) });

function jobOf({ combiner = "sum", learningRate, weights, seed, validation, tasks }) {
  const task = (side) => ({
    data: {
      idx: {
        ...{ images: "train-images.idx", labels: `train-${side}.idx` },
        ...{ testImages: "test-images.idx", testLabels: `test-${side}.idx` },
      },
      ...(validation > 0 && { split: { validation } }),
    },
    ...{ input: [784], reconstruction: false },
    heads: { digit: { kind: "classification", layers: [dense(50, "relu")] } },
    ...{ microBatch: 128, slots: 2, weight: weights[sides.indexOf(side)] },
  });
  return {
    name: `multi-mnist ${combiner}`,
    seed,
    tasks: Object.fromEntries(tasks.map((side) => [side, task(side)])),
    model: {
      kind: "shared",
      trunk: [dense(512, "relu"), dense(256, "relu")],
      latent: { units: 100, activation: "relu" },
    },
    ...(combiner !== "sum" && { combiner }),
    steps,
    optimiser: { kind: "adam", learningRate },
    schedule: { kind: "cosine" },
    evaluate: { everySteps: steps, split: validation > 0 ? "validation" : "test" },
    cosines: { everySteps: 0 },
    checkpoints: { everySteps: 0 },
    recovery: { everySteps: 0 },
    launcher: { kind: "local", workers: 2 },
  };
}

/** One run of the product; its accuracies are kept, in percent. */
async function trained(what) {
  const { combiner = "sum", learningRate, weights = [1, 1], seed, validation = 0, tasks = sides } = what;
  const runId = [
    combiner,
    ...tasks,
    learningRate,
    ...weights,
    steps,
    validation > 0 ? "tuning" : "test",
    seed,
  ]
    .join("-")
    .replaceAll(".", "_");
  return await runFolder.figure(runId, async () => {
    const job = jobOf({ ...what, weights, validation, tasks });
    const { evaluation, seconds, hash } = await runFolder.train(runId, job);
    const accuracy = Object.fromEntries(
      tasks.map((side) => [side, 100 * evaluation[side]["digit.accuracy"]]),
    );
    const shown = tasks.map((side) => `${side} ${accuracy[side].toFixed(2)}`).join(", ");
    console.log(`${runId}: ${shown} (${seconds.toFixed(0)} s)`);
    return { ...accuracy, seconds, hash };
  });
}

/** The sum's rate first, then its weights at that rate: whatever has the best mean accuracy on validation rows. */
async function tuned() {
  const { validation, tuningSeed: seed } = settings;
  const best = async (candidates) => {
    const tried = [];
    for (const candidate of candidates) {
      const { left, right } = await trained({ ...candidate, seed, validation });
      tried.push({ ...candidate, mean: (left + right) / 2 });
    }
    return tried.reduce((a, b) => (b.mean > a.mean ? b : a));
  };
  const { learningRate } = await best(
    settings.learningRates.map((rate) => ({ learningRate: rate, weights: [1, 1] })),
  );
  const { weights } = await best(settings.weights.map((pair) => ({ learningRate, weights: pair })));
  return { learningRate, weights };
}

const startMs = performance.now();
const { learningRate, weights } = await tuned();
console.log(`the tuned sum: rate ${learningRate}, weights ${weights.join(" : ")} (left : right)`);
const baseline = "tuned sum";
const methods = {
  [baseline]: (seed) => trained({ learningRate, weights, seed }),
  ...(weights[0] !== weights[1] && { sum: (seed) => trained({ learningRate, seed }) }),
  "each alone": async (seed) => ({
    ...(await trained({ learningRate, seed, tasks: ["left"] })),
    ...(await trained({ learningRate, seed, tasks: ["right"] })),
  }),
  ...Object.fromEntries(
    combiners.map((combiner) => [combiner, (seed) => trained({ combiner, learningRate, seed })]),
  ),
};
const table = Object.fromEntries(Object.keys(methods).map((name) => [name, { left: [], right: [] }]));
for (const seed of seeds)
  for (const [name, run] of Object.entries(methods)) {
    const figure = await run(seed);
    for (const side of sides) table[name][side].push(figure[side]);
  }

const comparisons = (Object.keys(methods).length - 1) * sides.length;
const found = sides.flatMap((side) => {
  const values = Object.fromEntries(Object.entries(table).map(([name, each]) => [name, each[side]]));
  return differences(values, baseline, comparisons).map((one) => ({ ...one, task: side }));
});
const points = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
console.log(
  `\naccuracy in % on 10,000 test images, mean ± deviation over ${seeds.length} seeds, ${steps} steps; differences from the ${baseline} seed by seed, with 95 % intervals; * more than what seeds do\n`,
);
console.log(
  "| method | left | right | left − tuned sum | right − tuned sum |\n| --- | --- | --- | --- | --- |",
);
for (const [name, values] of Object.entries(table)) {
  const cells = sides.map((side) => withDeviation(values[side]));
  const gaps = sides.map((side) => {
    const one = found.find(({ method, task }) => method === name && task === side);
    return one
      ? `${points(one.mean)} (${one.interval.map(points).join(" to ")})${one.isReal ? " *" : ""}`
      : "";
  });
  console.log(`| ${[name, ...cells, ...gaps].join(" | ")} |`);
}
console.log(`\n${verdict(found, `the ${baseline}`)}`);
const minutes = ((performance.now() - startMs) / 60_000).toFixed(0);
console.log(`${combiners.length} combiners, seeds ${seeds.join(", ")}, ${minutes} minutes, 2 workers`);
runFolder.close();
