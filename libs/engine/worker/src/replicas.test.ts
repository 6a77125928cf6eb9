import { loadArithmetic } from "@latentweave/arithmetic";
import type { Compute, MicroBatch, TaskGraph } from "@latentweave/model";
import { createLayout, type ParameterLayout } from "@latentweave/parameters";
import { planStep, type RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createRowSource, type RowReader } from "./row-source.ts";
import { createSlotProgram, type SlotPlace, type SlotProgram } from "./slot-program.ts";

const numbers = 6;
const innerSteps = 5;
const microBatch = 2;
const optimiser = {
  kind: "adamw",
  learningRate: 0.05,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
} as const;

const spec = {
  seed: 3,
  windowRows: 8,
  groups: ["used", "other"].map((name) => ({
    name,
    tasks: ["t"],
    tensors: [{ name: `${name}/w`, shape: [numbers], initialiser: { kind: "constant", value: 0 } }],
  })),
  phases: [{ name: "train", steps: 4, resetOptimiser: true, graphs: [{ task: "t", groups: ["used"] }] }],
  tasks: [{ name: "t", weight: 0.5, microBatch, slots: 3, trainShardRows: [30], evaluationShardRows: [] }],
  mode: { kind: "diloco", innerSteps, outer: { learningRate: 0.7, momentum: 0.9 } },
  optimiser,
  schedule: { kind: "step", warmupSteps: 0, everySteps: 1, factor: 0.5 },
  evaluation: null,
  checkpointEverySteps: 0,
} as unknown as RunSpec;

/** A device whose loss for a sample x is Σ (w − x·k)² / 2 over the numbers k = 1, 2, ... of the group "used". */
function quadraticDevice(layout: ParameterLayout): Compute & {
  readonly held: readonly Float32Array[];
  readonly ran: MicroBatch[];
  onRun: (count: number) => void;
} {
  const held = layout.groups.map((group) => new Float32Array(group.numbers));
  const ran: MicroBatch[] = [];
  const device = {
    held,
    ran,
    onRun: (() => undefined) as (count: number) => void,
    determinismClass: {},
    load: async () => undefined,
    async setParameters(slices: Parameters<Compute["setParameters"]>[0]) {
      for (const { group, start, values } of slices) held[group]?.set(values, start);
    },
    async run(batch: MicroBatch) {
      ran.push(batch);
      device.onRun(ran.length);
      const weights = (held[0] as Float32Array).slice();
      const gradient = new Float32Array(weights.length);
      for (const x of batch.x)
        for (let k = 0; k < numbers; k += 1)
          gradient[k] = (gradient[k] ?? 0) + (weights[k] ?? 0) - x * (k + 1);
      return { gradients: [gradient], metrics: Float64Array.of(batch.samples, ran.length) };
    },
    infer: async () => new Float32Array(),
    close: async () => undefined,
  };
  return device;
}

/** A row's only number says which row it is. */
const reader: RowReader = {
  async rows(_, refs) {
    return { x: Float32Array.from(refs, ({ row }) => row / 10), columns: {} };
  },
  prefetch: () => undefined,
  fetchedBytes: 0,
  close: async () => undefined,
};

const graphs = spec.phases[0]?.graphs as (TaskGraph & { losses: unknown })[];
for (const graph of graphs) graph.losses = [];

function scene(): {
  readonly device: ReturnType<typeof quadraticDevice>;
  readonly program: SlotProgram;
  readonly run: (step: number, slot: number, isWanted?: () => boolean) => ReturnType<SlotProgram["run"]>;
} {
  const layout = createLayout(spec.groups);
  const device = quadraticDevice(layout);
  const source = createRowSource(spec, async () => reader);
  const program = createSlotProgram({ spec, layout, arithmetic: loadArithmetic(), compute: device, source });
  return {
    device,
    program,
    async run(step, slot, isWanted = () => true) {
      const place = placeOf(step, slot);
      const rows = await source.read(place.plan, place.round, place.task, slot);
      return await program.run(place, rows, isWanted);
    },
  };
}

function placeOf(step: number, slot: number): SlotPlace {
  const plan = planStep(spec, step);
  const round = plan.rounds[0] as SlotPlace["round"];
  return { plan, round, task: round.tasks[0] as SlotPlace["task"], slot };
}

const start = [0.3, -0.2, 1, 0, 5, -1];
const told = (program: SlotProgram, values: readonly number[] = start): Promise<void> =>
  program.setParameters([{ group: 0, start: 0, values: Float32Array.from(values) }]);

/** AdamW in float64, from zero state, on the micro-batches that the device was given. */
function plainWay(batches: readonly MicroBatch[], learningRate: number): number[] {
  const { beta1, beta2, epsilon, weightDecay } = optimiser;
  return start.map((before, k) => {
    let [weight, m, v] = [before, 0, 0];
    for (const [index, { x }] of batches.entries()) {
      const gradient = (0.5 / x.length) * x.reduce((sum, value) => sum + weight - value * (k + 1), 0);
      m = beta1 * m + (1 - beta1) * gradient;
      v = beta2 * v + (1 - beta2) * gradient * gradient;
      const corrected = m / (1 - beta1 ** (index + 1));
      const root = Math.sqrt(v / (1 - beta2 ** (index + 1)));
      weight -= learningRate * (corrected / (root + epsilon) + weightDecay * weight);
    }
    return before - weight;
  });
}

describe("a replica", () => {
  it("contributes the way that a plain AdamW loop goes, at the learning rate of its outer step", async () => {
    for (const step of [0, 2]) {
      const { device, program, run } = scene();
      await told(program);
      const result = await run(step, 1);
      const expected = plainWay(device.ran, optimiser.learningRate * (step === 0 ? 1 : 0.25));
      const way = [...(result?.gradients[0] ?? [])].slice(0, numbers);
      expect(way.map((value, k) => Math.abs(value - (expected[k] ?? 0)))).toSatisfy((errors: number[]) =>
        errors.every((error) => error < 2e-6),
      );
      expect(Math.max(...way.map(Math.abs))).toBeGreaterThan(0.01);
      expect(result?.samples).toBe(innerSteps * microBatch);
      expect([...(result?.metrics ?? [])]).toEqual([innerSteps * microBatch, 15]);
    }
  });

  it("takes every micro-batch of its slot's stream once, under a key of its own", async () => {
    const { device, program, run } = scene();
    await told(program);
    for (const step of [0, 1]) for (const slot of [0, 1, 2]) await run(step, slot);
    const rows = device.ran.flatMap(({ x }) => [...x].map((value) => Math.round(value * 10)));
    // 2 steps × 3 slots × 5 inner steps × 2 samples: twice the 30 rows.
    expect(rows.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, place) => Math.floor(place / 2)),
    );
    const drawn = device.ran.map(({ step, round, slot }) => `${step}/${round}/${slot}`);
    expect(new Set(drawn).size).toBe(30);
  });

  it("has no history: neither what was computed before nor an inner loop given up changes a bit", async () => {
    const first = scene();
    await told(first.program);
    const expected = await first.run(1, 2);
    const second = scene();
    await told(second.program);
    await second.run(1, 0);
    let asked = 0;
    expect(await second.run(1, 1, () => ++asked < 3)).toBeUndefined();
    expect((await second.run(1, 2))?.gradients).toEqual(expected?.gradients);
  });

  it("leaves the device with what the shards told last, also where it was given up", async () => {
    for (const wanted of [true, false]) {
      const { device, program, run } = scene();
      await told(program);
      device.onRun = (count) => {
        if (count !== 2) return;
        void told(program, [9, 9, 9, 9, 9, 9]);
        void program.setParameters([{ group: 1, start: 2, values: Float32Array.of(7) }]);
      };
      await run(0, 0, () => wanted || device.ran.length < 3);
      expect([...(device.held[0] ?? [])].slice(0, numbers)).toEqual([9, 9, 9, 9, 9, 9]);
      expect([...(device.held[1] ?? [])].slice(0, 3)).toEqual([0, 0, 7]);
    }
  });

  it("contributes what is not finite as such", async () => {
    const { device, program, run } = scene();
    await told(program);
    device.onRun = (count) => {
      if (count === 2) (device.held[0] as Float32Array)[0] = Number.NaN;
    };
    expect((await run(0, 0))?.gradients[0]?.[0]).toBeNaN();
    // The weights that were told are whole.
    expect([...((await run(0, 0))?.gradients[0] ?? [])].every(Number.isFinite)).toBe(true);
  });

  it("is not disturbed by weights that come while it runs", async () => {
    const calm = scene();
    await told(calm.program);
    const expected = await calm.run(0, 0);
    const { device, program, run } = scene();
    await told(program);
    device.onRun = (count) => {
      if (count === 2) void told(program, [9, 9, 9, 9, 9, 9]);
    };
    expect((await run(0, 0))?.gradients).toEqual(expected?.gradients);
  });
});
