/**
 * The product's compute and nothing else: the thread that a worker has, given weights and micro-batches. Forked with
 * {library, entry, spec, task, samples, warmup, steps}; sends {times, numbers}: of each micro-batch the ms from the call
 * until every gradient can be read on the thread that called, and how many numbers those are.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const argument = JSON.parse(process.argv[2]);
const { createThreadedCompute, createLayout, keepFreedMemory } = await import(
  pathToFileURL(argument.library).href
);
// As a worker does.
keepFreedMemory();
const spec = JSON.parse(readFileSync(argument.spec, "utf8"));
const layout = createLayout(spec.groups);
const phases = spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs }));
const graph = phases[0].tasks.find(({ task }) => task === argument.task);
const compute = await createThreadedCompute({
  backend: { name: "native", threads: 1, deviceId: "cpu" },
  entry: argument.entry,
});
await compute.load({ layout, phases, seed: spec.seed });

/** Always the same ones, of no meaning: arithmetic takes as long for any normal numbers. */
let state = 1;
const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const weights = layout.groups.map(({ index, numbers }) => ({
  ...{ group: index, start: 0 },
  values: Float32Array.from({ length: numbers }, () => (uniform() - 0.5) / 8),
}));
const input = graph.nodes.find(({ op }) => op === "input").shape.reduce((product, size) => product * size, 1);
const rows = Float32Array.from({ length: argument.samples * input }, uniform);
const labels = Object.fromEntries(
  graph.losses
    .filter(({ kind }) => kind === "classification")
    .map(({ column, classes }) => [
      column,
      Int32Array.from({ length: argument.samples }, () => Math.floor(uniform() * classes)),
    ]),
);

const times = [];
let numbers = 0;
for (let step = 0; step < argument.warmup + argument.steps; step++) {
  // As in a run: new weights for each step, rows that were gathered before.
  await compute.setParameters(weights);
  const batch = {
    ...{ program: "gradient", phase: 0, step, round: 0, task: argument.task, slot: 0 },
    ...{ samples: argument.samples, x: rows.slice(), given: true },
    columns: Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, values.slice()])),
  };
  const startMs = performance.now();
  const { gradients } = await compute.run(batch);
  numbers = gradients.reduce((sum, values) => sum + values.length, 0);
  if (step >= argument.warmup) times.push(performance.now() - startMs);
}
process.send({ times, numbers, backend: compute.backend }, () => process.exit(0));
