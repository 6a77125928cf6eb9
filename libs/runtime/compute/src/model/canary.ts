import { createHash } from "node:crypto";
import { type Arithmetic, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import {
  type Compute,
  type ComputeModel,
  isHeadTerm,
  type LossTerm,
  type MicroBatch,
  type TaskGraph,
} from "@latentweave/model";

/** Samples per canary batch where the caller does not know the job's own micro-batches. */
const defaultSamples = 64;

/** Parameters in ±this: activations and gradients then stay within normal numbers for models of any usual depth. */
const parameterRange = 0.1;

/**
 * What this device computes, as one SHA-256: a synthetic batch per phase, task and program over synthetic parameters,
 * all drawn by key from the model's seed, hashed over every gradient and metric byte. Two devices with the same digest
 * are of one determinism class as far as this model goes. It loads the model and leaves synthetic parameters behind, so
 * it comes before the first real ones.
 * @param samplesOf samples of a task's micro-batches: kernels may sum otherwise for other shapes
 */
export async function canaryDigest(
  compute: Compute,
  model: ComputeModel,
  samplesOf: (task: string) => number = () => defaultSamples,
): Promise<string> {
  const draw = drawing(model.seed);
  await compute.load(model);
  await compute.setParameters(
    model.layout.groups.flatMap((group) =>
      group.tensors.map((tensor) => ({
        group: group.index,
        start: tensor.offset,
        values: draw(tensor.numbers, -parameterRange, parameterRange, "parameter", tensor.name),
      })),
    ),
  );
  const hash = createHash("sha256");
  for (const [phase, { tasks }] of model.phases.entries())
    for (const graph of tasks)
      for (const program of ["gradient", "evaluate"] as const) {
        const batch = canaryBatch(graph, phase, program, samplesOf(graph.task), draw);
        const { gradients, metrics } = await compute.run(batch);
        for (const array of [...gradients, metrics])
          hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      }
  return hash.digest("hex");
}

type Draw = (
  numbers: number,
  low: number,
  high: number,
  ...key: readonly (string | number)[]
) => Float32Array;

function drawing(seed: number): Draw {
  const arithmetic: Arithmetic = loadArithmetic();
  return (numbers, low, high, ...key) => {
    const pointer = arithmetic.allocate(4 * numbers);
    arithmetic.fillUniform(pointer, numbers, randomKey(seed, "canary", ...key), 0, low, high);
    const values = arithmetic.f32(pointer, numbers).slice();
    arithmetic.free(pointer, 4 * numbers);
    return values;
  };
}

function canaryBatch(
  graph: TaskGraph,
  phase: number,
  program: MicroBatch["program"],
  samples: number,
  draw: Draw,
): MicroBatch {
  const input = graph.nodes.find((node) => node.op === "input");
  const columns = graph.losses.flatMap((term) => canaryColumn(graph, term, samples, draw));
  return {
    ...{ program, phase, task: graph.task, samples, step: 0, round: 0, slot: 0 },
    x: draw(samples * countNumbers(input?.shape ?? []), 0, 1, "x", phase, graph.task),
    columns: Object.fromEntries(columns),
  };
}

function canaryColumn(
  graph: TaskGraph,
  term: LossTerm,
  samples: number,
  draw: Draw,
): (readonly [string, Int32Array | Float32Array])[] {
  if (!isHeadTerm(term)) return [];
  const key = [graph.task, term.column] as const;
  if (term.kind === "classification") {
    const positions = draw(samples, 0, term.classes, ...key);
    return [
      [
        term.column,
        Int32Array.from(positions, (position) => Math.min(Math.floor(position), term.classes - 1)),
      ],
    ];
  }
  if (term.kind === "multiLabel") {
    const numbers = draw(samples * term.labels, 0, 1, ...key);
    return [[term.column, numbers.map((number) => (number < 0.5 ? 0 : 1))]];
  }
  const node = graph.nodes.find(({ id }) => id === term.prediction);
  const numbers = term.kind === "gaussian" ? term.numbers : countNumbers(node?.shape ?? []);
  return [[term.column, draw(samples * numbers, -1, 1, ...key)]];
}

function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
