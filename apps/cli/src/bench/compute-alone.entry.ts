/**
 * A child process of `bench`: `node compute-alone.js SPEC SECONDS THREADS [BACKEND [DEVICE]]`. What a worker's device
 * does with micro-batches and nothing else; prints one line of JSON, `ComputeAnswer`. Ends with its standard input.
 */
import { readFileSync } from "node:fs";
import { type BackendName, createThreadedCompute } from "@latentweave/compute";
import { onParentGone } from "@latentweave/launch";
import { parseDevice } from "@latentweave/native";
import { createLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { prepareForTensors } from "../command/tensor-memory.ts";
import type { ComputeAnswer } from "./measure-compute.ts";

const [specFile = "", seconds, threads, backend = "", device = ""] = process.argv.slice(2);
onParentGone(process.stdin, () => process.exit(1));
await prepareForTensors();

const warmUpSteps = 5;
const leastSteps = 3;
const uniform = (() => {
  let state = 1;
  return (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
})();

const spec = JSON.parse(readFileSync(specFile, "utf8")) as RunSpec;
const layout = createLayout(spec.groups);
const phases = spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs }));
const task = spec.tasks[0];
const graph = phases[0]?.tasks[0];
if (!task || !graph) throw new Error("the spec has no task");
const compute = await createThreadedCompute({
  backend: {
    threads: Number(threads),
    ...(backend === "" ? {} : { name: backend as BackendName }),
    ...(device === "" ? {} : { deviceId: parseDevice(device) }),
  },
});
await compute.load({ layout, phases, seed: spec.seed });

// As in a run: new weights for each step, rows that were gathered before.
const weights = layout.groups.map(({ index, numbers }) => ({
  ...{ group: index, start: 0 },
  values: Float32Array.from({ length: numbers }, () => (uniform() - 0.5) / 8),
}));
const width = (graph.nodes.find(({ op }) => op === "input")?.shape ?? []).reduce((all, one) => all * one, 1);
const rows = Float32Array.from({ length: task.microBatch * width }, uniform);
const times: number[] = [];
let untilMs = Number.POSITIVE_INFINITY;
for (let step = 0; times.length < leastSteps || performance.now() < untilMs; step++) {
  if (step === warmUpSteps) untilMs = performance.now() + 1000 * Number(seconds);
  await compute.setParameters(weights);
  const x = rows.slice();
  const startMs = performance.now();
  await compute.run({
    ...{ program: "gradient", phase: 0, step, round: 0, task: task.name, slot: 0 },
    ...{ samples: task.microBatch, x, given: true, columns: {} },
  });
  if (step >= warmUpSteps) times.push(performance.now() - startMs);
}
times.sort((a, b) => a - b);
const answer: ComputeAnswer = {
  stepMs: times[Math.floor(times.length / 2)] ?? 0,
  backend: compute.backend,
  device: compute.determinismClass.gpu ?? compute.determinismClass.device ?? "cpu",
};
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
