/**
 * node examples/reproduce/do-no-harm/run.mjs [--short] [--runs DIR] [--workers N] [--seeds N] [--pairs 1,2]
 *
 * Ten pairs of image sets learn one autoencoder together, guarded: each task as the run leaves it, beside the same task
 * alone, beside sharing it would have had without the guard, and beside PCA.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { latentweave, root } from "../../../tools/bench/own-command.mjs";
import { setTask, writeSets } from "../small-sets.mjs";
import { deviation, mean } from "../spread.mjs";
import { trainOnce } from "../train-once.mjs";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    runs: { type: "string", default: path.join(root, "runs/reproduce-do-no-harm") },
    workers: { type: "string", default: "2" },
    seeds: { type: "string" },
    pairs: { type: "string" },
  },
});
const here = path.join(root, "examples/reproduce/do-no-harm");
const { pairings } = JSON.parse(readFileSync(path.join(here, "pairings.json"), "utf8"));
const settings = JSON.parse(readFileSync(path.join(here, "settings.json"), "utf8"));
const steps = values.short ? settings.shortSteps : settings.steps;
const seeds = Number(values.seeds ?? (values.short ? 1 : 5));
const chosen = pairings.filter((_, at) => values.pairs?.split(",").includes(String(at + 1)) ?? true);
const mostHarm = 0.01;
const leastGain = 0.1;
const few = 50;

const runs = path.resolve(values.runs);
const folder = path.join(runs, "sets");
mkdirSync(folder, { recursive: true });
console.log("writing the sets: MNIST and Fashion-MNIST, 14 × 14");
await writeSets(folder);

/** n training rows and as many validation rows, drawn by the seed. */
const task = (set, rows, seed) => setTask(set, { rows, validationRows: rows, seed });

function jobOf({ tasks }, seed) {
  const { model, optimiser, guard } = settings;
  return {
    ...{ name: Object.keys(tasks).join(" and "), seed, steps, optimiser, guard },
    tasks: Object.fromEntries(Object.entries(tasks).map(([set, rows]) => [set, task(set, rows, seed)])),
    // Everything is shared: encoder, latent and decoder.
    model,
    evaluate: { everySteps: Math.ceil(steps / settings.evaluations), split: "validation" },
    ...{ cosines: { everySteps: 0 }, checkpoints: { everySteps: 0 }, compute: { threads: 1 } },
  };
}

/** @returns test errors by task, and what the guard did */
async function measure(pairing, seed) {
  const name = Object.entries(pairing.tasks).map(([set, rows]) => `${set}-${rows}`);
  const runId = `${name.join("-and-")}-${steps}-${seed}`;
  const file = path.join(folder, `${runId}.json`);
  writeFileSync(file, JSON.stringify(jobOf(pairing, seed), undefined, 2));
  await trainOnce(file, { runs, runId, workers: values.workers });
  const { tasks } = JSON.parse(
    await latentweave(["evaluate", runId, "--baselines", "--json", "--quiet", "--runs", runs]),
  );
  return tasks.map(({ task: set, together, alone: [alone], branched, baselines }) => ({
    set,
    learned: together.reconstructionError,
    alone: alone.reconstructionError,
    shared: (branched?.shared ?? together).reconstructionError,
    leftAt: branched?.at,
    pca: baselines.pca.error,
    overfit: overfitOf(runId, `${set}-alone`),
  }));
}

/** How much lower the validation loss alone was at its best evaluation than at the end, as a share of the end. */
function overfitOf(runId, baseline) {
  const text = readFileSync(path.join(runs, runId, "metrics/steps.jsonl"), "utf8");
  const losses = text
    .trimEnd()
    .split("\n")
    .flatMap((line) => JSON.parse(line).evaluation?.[baseline]?.loss ?? []);
  return 1 - Math.min(...losses) / losses.at(-1);
}

const percent = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)} %`;
const spread = (numbers) =>
  `${percent(mean(numbers))}${numbers.length > 1 ? ` ± ${(100 * deviation(numbers)).toFixed(1)}` : ""}`;

const startMs = performance.now();
console.log(
  "\n| pair | task, samples | PCA alone | alone | shared, to alone | guarded, to alone | guarded, to PCA | left |",
);
console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
const all = [];
for (const pairing of chosen) {
  const measured = [];
  for (let seed = 1; seed <= seeds; seed++) measured.push(await measure(pairing, seed));
  for (const [at, [set, rows]] of Object.entries(pairing.tasks).entries()) {
    const own = measured.map((tasks) => tasks[at]);
    const guarded = own.map(({ learned, alone }) => learned / alone - 1);
    const toPca = own.map(({ learned, pca }) => learned / pca - 1);
    const shared = own.map(({ shared: error, alone }) => error / alone - 1);
    const left = own.filter(({ leftAt }) => leftAt !== undefined).length;
    all.push({ ...pairing, set, rows, guarded, shared, toPca, overfit: own.map(({ overfit }) => overfit) });
    const figures = [mean(own.map(({ pca }) => pca)), mean(own.map(({ alone }) => alone))];
    console.log(
      `| ${at === 0 ? (pairing.related ? "related" : "unrelated") : ""} | ${set}, ${rows} | ${figures.map((figure) => figure.toFixed(5)).join(" | ")} | ${spread(shared)} | ${spread(guarded)} | ${spread(toPca)} | ${left} of ${seeds} |`,
    );
  }
}
const worst = all.reduce((a, b) => (mean(a.guarded) > mean(b.guarded) ? a : b));
const worstRun = Math.max(...all.flatMap(({ guarded }) => guarded));
const naive = all.map(({ shared }) => mean(shared));
const scarce = all.filter(({ related, rows }) => related && rows === few);
const gains = scarce.map(({ guarded }) => -mean(guarded));
const pcaGains = scarce.map(({ toPca }) => -mean(toPca));
const seconds = (performance.now() - startMs) / 1000;
console.log(
  `\nerrors: mean square per pixel on test rows, ${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${steps} steps, ${values.workers} workers, ${seconds.toFixed(0)} s`,
);
console.log(
  `without the guard: ${naive.filter((harm) => harm > mostHarm).length} of ${naive.length} tasks are more than 1 % worse than alone, the worst by ${percent(Math.max(...naive))}`,
);
console.log(
  `with it the worst task is ${worst.set}, ${worst.rows}: ${percent(mean(worst.guarded))} (in one run: ${percent(worstRun)}); bar: at most +1 %`,
);
if (gains.length > 0)
  console.log(
    `mean gain at ${few} samples over related pairs: ${percent(mean(gains))}; bar: at least +10 % (to PCA alone: ${percent(mean(pcaGains))})`,
  );
console.log(
  `over-fitting alone: the best evaluation on validation rows is ${percent(-mean(all.flatMap(({ overfit }) => overfit)))} below the last one in the mean, ${percent(-Math.max(...all.flatMap(({ overfit }) => overfit)))} at most`,
);
const isMet = mean(worst.guarded) <= mostHarm && gains.length > 0 && mean(gains) >= leastGain;
process.exitCode = isMet || values.pairs !== undefined ? 0 : 1;
