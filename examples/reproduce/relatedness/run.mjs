/**
 * node examples/reproduce/relatedness/run.mjs [--short] [--runs DIR] [--workers N] [--seeds N]
 *
 * Eight sets of images: what each gains from being trained with each other one, and how well cheap scores would have
 * ranked those gains. Ends with 1 where the best score stays below the bar.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { latentweave, root } from "../../../tools/bench/own-command.mjs";
import { setTask, writeSets } from "../small-sets.mjs";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    runs: { type: "string", default: path.join(root, "runs/reproduce-relatedness") },
    workers: { type: "string", default: "2" },
    seeds: { type: "string" },
  },
});
const settings = JSON.parse(readFileSync(new URL("settings.json", import.meta.url), "utf8"));
const steps = values.short ? settings.shortSteps : settings.steps;
const seeds = Number(values.seeds ?? (values.short ? 1 : settings.seeds));
const bar = 0.8;

const runs = path.resolve(values.runs);
const folder = path.join(runs, "sets");
mkdirSync(folder, { recursive: true });
console.log("writing the sets: MNIST and Fashion-MNIST, 14 × 14");
await writeSets(folder);

const task = (set) => setTask(set, { rows: settings.rows, validationRows: settings.validationRows, seed: 1 });
const file = path.join(folder, "relatedness.json");
writeFileSync(
  file,
  JSON.stringify({
    ...{ name: "relatedness", steps, seed: 1, model: settings.model, optimiser: settings.optimiser },
    tasks: Object.fromEntries(settings.sets.map((set) => [set, task(set)])),
    ...{ evaluate: { everySteps: 0 }, compute: { threads: 1 } },
  }),
);

const startMs = performance.now();
const analysis = JSON.parse(
  await latentweave([
    ...["tasks", "analyse", file, "--seeds", String(seeds), "--split", "validation", "--json", "--quiet"],
    ...["--folder", path.join(runs, `analysis-${steps}`), "--runs", runs, "--workers", values.workers],
  ]),
);
const { tasks, transfer, scores, reliability } = analysis;
const percent = (gain) =>
  gain === null ? "" : `${gain < 0 ? "−" : "+"}${Math.abs(100 * gain).toFixed(1)} %`;
console.log("\nwhat the task of the column gains from that of the row, over training alone\n");
console.log(`| with | ${tasks.join(" | ")} |\n| --- |${" ---: |".repeat(tasks.length)}`);
for (const [at, task] of tasks.entries())
  console.log(
    `| ${task} | ${transfer[at].map((gain, to) => (to === at ? "" : percent(gain))).join(" | ")} |`,
  );
console.log(
  "\n| score | Spearman with the measured gains | standard error | pairs |\n| --- | ---: | ---: | ---: |",
);
const known = scores.filter(({ agreement }) => agreement.spearman !== null);
for (const { name, agreement } of known)
  console.log(
    `| ${name} | ${agreement.spearman.toFixed(2)} | ${agreement.standardError?.toFixed(2) ?? "–"} | ${agreement.pairs} |`,
  );
const best = known.reduce((a, b) => (b.agreement.spearman > a.agreement.spearman ? b : a));
const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
console.log(
  `\n${analysis.trained.length} runs of ${steps} steps, ${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${minutes} min` +
    (reliability === null ? "" : `; two seeds agree with each other by ${reliability.toFixed(2)}`),
);
const isMet = best.agreement.spearman >= bar;
console.log(
  `best: ${best.name} ${best.agreement.spearman.toFixed(2)}; bar: at least ${bar}: ${isMet ? "met" : "MISSED"}`,
);
process.exitCode = isMet ? 0 : 1;
