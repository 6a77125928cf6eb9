/**
 * node examples/reproduce/transfer/run.mjs [--short] [--runs DIR] [--workers N]
 *
 * Two tasks are learned together; then three that nobody has seen are taught to their frozen trunk with a tenth of their
 * rows, beside learning them from scratch with all rows.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { latentweave, root } from "../../../tools/bench/own-command.mjs";
import { idxOf } from "../image-sets.mjs";
import { trainOnce } from "../train-once.mjs";
import { writeTasks } from "./write-tasks.mjs";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    runs: { type: "string", default: path.join(root, "runs/reproduce-transfer") },
    workers: { type: "string", default: "2" },
  },
});
const steps = values.short ? 300 : 2_000;
const seeds = values.short ? 1 : 3;
const wanted = 0.95;

const folder = path.join(path.resolve(values.runs), "tasks");
mkdirSync(folder, { recursive: true });
console.log("writing the tasks: halves of MNIST and Fashion-MNIST by class, and MNIST turned by 30 degrees");
const sizes = await writeTasks(folder);

const dense = (units, activation) => ({ kind: "dense", units, ...(activation && { activation }) });
const task = (name) => ({
  data: {
    idx: idxOf(name),
    scale: "unit",
  },
  ...{ input: [784], encoder: [], decoder: [dense(784, "sigmoid")] },
  // The latent is to serve tasks to come, so it has to hold more than today's classes.
  heads: { label: { kind: "classification", weight: 0.2 } },
  ...{ microBatch: 128, slots: 2 },
});
/** The trunk alone is taught so: what it has seen turned and moved it can tell apart of other images too. */
const changed = (name) => ({
  ...task(name),
  augment: [
    { kind: "rotate", degrees: 40 },
    { kind: "scale", from: 0.85, to: 1.15 },
    { kind: "shift", pixels: 2 },
  ],
});
const common = { evaluate: { everySteps: 0 }, checkpoints: { everySteps: 0 }, compute: { threads: 1 } };
const job = (name, text) => {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ name, ...common, ...text }, undefined, 2));
  return file;
};
const shared = { runs: ["--runs", path.resolve(values.runs)], workers: ["--workers", values.workers] };

const base = job("base", {
  tasks: { digits: changed("digits-low"), fashion: changed("fashion-low") },
  model: {
    kind: "shared",
    trunk: [dense(512, "relu")],
    latent: { units: 128, activation: "relu" },
    trunkDecoder: [dense(512, "relu")],
  },
  ...{ steps: 2 * steps, seed: 1 },
});
const startMs = performance.now();
console.log(`learning digits 0 to 4 and fashion classes 0 to 4 together, ${2 * steps} steps`);
await trainOnce(base, {
  runs: path.resolve(values.runs),
  runId: `base-changed-${steps}`,
  workers: values.workers,
});

console.log("\n| new task | rows | frozen, a tenth of them | from scratch, all | share | met |");
console.log("| --- | ---: | ---: | ---: | ---: | --- |");
let missed = 0;
for (const [name, title] of [
  ["digits-high", "digits 5 to 9"],
  ["fashion-high", "fashion classes 5 to 9"],
  ["digits-turned", "digits 0 to 9, turned by 30°"],
]) {
  const rows = sizes[name];
  const text = { steps, tasks: { [name]: { ...task(name), decoder: [], reconstruction: false } } };
  const file = job(name, text);
  const transfer = async (how, shots) => {
    const out = await latentweave([
      ...["transfer", `base-changed-${steps}`, "--task", file, "--shots", shots, "--how", how],
      ...["--seeds", String(seeds), "--json", ...shared.runs, ...shared.workers],
    ]);
    return JSON.parse(out).rows.find(({ metric }) => metric === "label.accuracy");
  };
  const few = await transfer("frozen", String(Math.round(rows / 10)));
  const full = await transfer("scratch", "all");
  const share = few.mean / full.mean;
  if (share < wanted) missed += 1;
  const figure = ({ mean, standardDeviation }) =>
    `${(100 * mean).toFixed(2)} %${standardDeviation === null ? "" : ` ± ${(100 * standardDeviation).toFixed(2)}`}`;
  console.log(
    `| ${title} | ${rows} | ${figure(few)} | ${figure(full)} | ${(100 * share).toFixed(1)} % | ${share >= wanted ? "yes" : "NO"} |`,
  );
}
const seconds = (performance.now() - startMs) / 1000;
console.log(
  `\naccuracy on test rows, ${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${steps} steps each, ${values.workers} workers, ${seconds.toFixed(0)} s; bar: ${100 * wanted} % of the quality with all rows`,
);
process.exitCode = missed > 0 ? 1 : 0;
