import {
  type ComputeModel,
  type DataShape,
  type LayerSpec,
  metricNames,
  type MicroBatch,
  resolveModel,
  type TaskDescription,
} from "@latentweave/model";
import { describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someParameters, uniform } from "./keyed.ts";
import { wrongSlopes } from "./wrong-slopes.ts";

const inputs = 5;
const samples = 4;
const floor = 1e-6;

const dense = (units: number): LayerSpec => ({ kind: "dense", units });

/** Row by row: what a task computes is one dense layer of the input, so that its loss can be written down here. */
interface Case {
  readonly model: ComputeModel;
  readonly column?: Int32Array | Float32Array;
  readonly x?: Float32Array;
  /** Of one sample, by the numbers that the layer yields; `s`: the scalar that a loss may learn. */
  readonly loss: (outputs: readonly number[], sample: number, s: number) => number;
}

const nan = Number.NaN;
const partly = { labelled: { train: 0.75, evaluate: 0.5 } } as const;
const classes = Int32Array.of(2, -1, 0, 1);
const numbers = Float32Array.of(0.5, nan, -1, 2, nan, nan, 1.5, 0.25);
const labels = Float32Array.of(1, 0, nan, 0, nan, 1, nan, nan, nan, 1, 1, 0);
const known = (values: Float32Array, otherwise: number): Float32Array =>
  values.map((value) => (Number.isNaN(value) ? otherwise : value));

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const logSum = (l: readonly number[]): number => Math.log(sumOf(l.map(Math.exp)));
const squares = (of: readonly number[], to: ArrayLike<number>, at: number): number[] =>
  of.map((value, i) => (Number.isNaN(to[at + i]) ? 0 : (value - (to[at + i] ?? nan)) ** 2));
const crossEntropies = (l: readonly number[], to: ArrayLike<number>, at: number): number[] =>
  l.map((logit, i) => {
    const label = to[at + i] ?? nan;
    return Number.isNaN(label) ? 0 : Math.log(1 + Math.exp(logit)) - label * logit;
  });
const gaussians = (o: readonly number[], to: ArrayLike<number>, at: number): number[] =>
  [0, 1].map((i) => {
    const [y, v] = [to[at + i] ?? nan, Math.exp(o[2 + i] ?? nan) + floor];
    return Number.isNaN(y) ? 0 : 0.5 * (Math.log(2 * Math.PI) + Math.log(v) + ((o[i] ?? nan) - y) ** 2 / v);
  });

function head(
  kind: "classification" | "multiLabel" | "regression",
  column: DataShape["columns"][number],
  more: { readonly uncertainty?: true } = {},
): ComputeModel {
  const one = { kind, column: "y", classes: null, layers: [], weight: 0.5, ...more };
  return model({ reconstruction: false, decoder: [], heads: { h: one } }, { columns: [column] });
}

function model(task: Partial<TaskDescription>, shape: Partial<DataShape>): ComputeModel {
  const description = {
    tasks: { one: { input: null, encoder: [], decoder: [], reconstruction: false, heads: {}, ...task } },
    model: { kind: "private" },
    regulariser: { omega: "none", on: "encoder" },
  } as const;
  const { layout, phases } = resolveModel(description, {
    one: { inputShape: [inputs], columns: [], ...shape },
  });
  return { layout, phases, seed: 3 };
}

/** Two categories of two and three values, the fifth number of none. */
const tableRows = Float32Array.of(0, 1, 0, 0, 0.3, 1, 0, 1, 0, -1, 0, 1, 0, 1, 2, 1, 0, 0, 1, 0);
const blocks = [
  { start: 0, width: 2 },
  { start: 2, width: 2 },
] as const;
const tokens = Float32Array.from({ length: samples * 6 }, (_, at) => (at % 3 === (at >> 2) % 3 ? 1 : 0));

const cases: Readonly<Record<string, Case>> = {
  "a classification some of whose labels are missing": {
    model: head("classification", { name: "y", kind: "class", classes: 3, ...partly }),
    column: classes,
    loss: (l, sample) => {
      const label = classes[sample] ?? nan;
      return label < 0 ? 0 : (0.5 / 0.75) * (logSum(l) - (l[label] ?? nan));
    },
  },
  "a multi-label classification": {
    model: head("multiLabel", { name: "y", kind: "labels", numbers: 3 }),
    column: known(labels, 1),
    loss: (l, sample) => (0.5 * sumOf(crossEntropies(l, known(labels, 1), 3 * sample))) / 3,
  },
  "a multi-label classification some of whose labels are missing": {
    model: head("multiLabel", { name: "y", kind: "labels", numbers: 3, ...partly }),
    column: labels,
    loss: (l, sample) => ((0.5 / 0.75) * sumOf(crossEntropies(l, labels, 3 * sample))) / 3,
  },
  "a regression some of whose numbers are missing": {
    model: head("regression", { name: "y", kind: "number", numbers: 2, ...partly }),
    column: numbers,
    loss: (o, sample) => ((0.5 / 0.75) * sumOf(squares(o, numbers, 2 * sample))) / 2,
  },
  "a regression with uncertainty": {
    model: head("regression", { name: "y", kind: "number", numbers: 2 }, { uncertainty: true }),
    column: known(numbers, 0.75),
    loss: (o, sample) => (0.5 * sumOf(gaussians(o, known(numbers, 0.75), 2 * sample))) / 2,
  },
  "a regression with uncertainty some of whose numbers are missing": {
    model: head("regression", { name: "y", kind: "number", numbers: 2, ...partly }, { uncertainty: true }),
    column: numbers,
    loss: (o, sample) => ((0.5 / 0.75) * sumOf(gaussians(o, numbers, 2 * sample))) / 2,
  },
  "a Gaussian reconstruction": {
    model: model({ decoder: [dense(inputs)], reconstruction: { loss: "gaussian", weight: 2 } }, {}),
    loss: (o, sample, s) =>
      Math.log(2 * Math.PI) + s + sumOf(squares(o, rows, inputs * sample)) / inputs / Math.exp(s),
  },
  "a Gaussian reconstruction summed over the numbers of a sample": {
    model: model(
      { decoder: [dense(inputs)], reconstruction: { loss: "gaussian", weight: 2, reduction: "sum" } },
      {},
    ),
    loss: (o, sample, s) =>
      inputs * (Math.log(2 * Math.PI) + s) + sumOf(squares(o, rows, inputs * sample)) / Math.exp(s),
  },
  "a categorical reconstruction of a table with another column": {
    model: model(
      { decoder: [dense(inputs)], reconstruction: { loss: "categorical", weight: 1 } },
      { categories: [...blocks] },
    ),
    x: tableRows,
    loss: (o, sample) => categorical(o, sample) / 3,
  },
  "a categorical reconstruction of positions, summed": {
    model: model(
      {
        encoder: [{ kind: "flatten" }],
        decoder: [dense(6), { kind: "reshape", shape: [2, 3] }],
        reconstruction: { loss: "categorical", weight: 1, reduction: "sum" },
      },
      { inputShape: [2, 3] },
    ),
    x: tokens,
    loss: (o, sample) =>
      sumOf(
        [0, 3].map((at) => {
          const [l, t] = [o.slice(at, at + 3), tokens.slice(6 * sample + at, 6 * sample + at + 3)];
          return sumOf(l.map((logit, i) => (t[i] ?? nan) * (logSum(l) - logit)));
        }),
      ),
  },
};

function categorical(o: readonly number[], sample: number): number {
  const x = tableRows.slice(inputs * sample, inputs * (sample + 1));
  const entropies = blocks.map(({ start, width }) => {
    const l = o.slice(start, start + width);
    return sumOf(l.map((logit, i) => (x[start + i] ?? nan) * (logSum(l) - logit)));
  });
  return sumOf(entropies) + ((o[4] ?? nan) - (x[4] ?? nan)) ** 2;
}

const rows = uniform(samples * inputs, 0, 1, "rows");

/** Losses and gradients of heads and reconstructions against their formulas in float64, differentiated numerically. */
export function headsSuite(backend: () => LoadedBackend): void {
  describe("the gradient of", () => {
    for (const [title, one] of Object.entries(cases))
      it(`${title} is the slope of its formula`, async () => {
        const { layout } = one.model;
        const parameters = someParameters(one.model);
        const x = one.x ?? rows;
        const width = x.length / samples;
        const batch: MicroBatch = {
          ...{ program: "gradient", phase: 0, step: 1, round: 0, task: "one", slot: 0, samples, x },
          columns: one.column ? { y: one.column } : {},
        };
        const compute = createInlineCompute(backend());
        await compute.load(one.model);
        await compute.setParameters(parameters);
        const { gradients, metrics } = await compute.run(batch);
        // What has been recorded is to say the same.
        await compute.run(batch);
        const again = await compute.run(batch);
        await compute.close();
        expect(again.gradients).toEqual(gradients);

        const [group] = layout.groups;
        const tensor = (role: string): number[] => {
          const placed = group?.tensors.find(({ name }) => name.endsWith(role));
          const slice = parameters.find(({ start }) => start === placed?.offset);
          return [...(slice?.values ?? [])];
        };
        const [kernel, bias, s] = [tensor("kernel"), tensor("bias"), tensor("logVariance")];
        const loss = (): number =>
          sumOf(
            Array.from({ length: samples }, (_, sample) => {
              const outputs = bias.map((b, unit) =>
                sumOf([
                  b,
                  ...Array.from(
                    x.subarray(sample * width, (sample + 1) * width),
                    (value, i) => value * (kernel[i * bias.length + unit] ?? nan),
                  ),
                ]),
              );
              return one.loss(outputs, sample, s[0] ?? nan);
            }),
          );
        const truth = loss();
        expect(Math.abs((metrics[1] ?? nan) - truth)).toBeLessThan(1e-5 * Math.max(1, Math.abs(truth)));
        const wrong: string[] = [];
        for (const [role, values] of Object.entries({ kernel, bias, logVariance: s })) {
          const offset = group?.tensors.find(({ name }) => name.endsWith(role))?.offset ?? nan;
          wrong.push(...wrongSlopes(role, values, loss, gradients[0], offset));
        }
        expect(wrong).toEqual([]);
      });
  });

  describe("what is measured of", () => {
    const measured = async (
      one: ComputeModel,
      column: MicroBatch["columns"][string],
      outputs: readonly number[],
    ): Promise<Record<string, number>> => {
      const compute = createInlineCompute(backend());
      await compute.load(one);
      // Zero weights: every sample gets the same outputs.
      const bias = one.layout.groups[0]?.tensors.find(({ name }) => name.endsWith("bias"));
      await compute.setParameters([
        { group: 0, start: bias?.offset ?? 0, values: Float32Array.from(outputs) },
      ]);
      const { metrics } = await compute.run({
        ...{ program: "evaluate", phase: 0, step: 1, round: 0, task: "one", slot: 0, samples, x: rows },
        columns: { y: column },
      });
      await compute.close();
      const graph = one.phases[0]?.tasks[0];
      return Object.fromEntries(
        (graph ? metricNames(graph) : []).map((name, i) => [name, metrics[i] ?? nan]),
      );
    };

    it("labels is counted: right, wrong, overlooked, and how many are known", async () => {
      const one = head("multiLabel", { name: "y", kind: "labels", numbers: 3, ...partly });
      const sums = await measured(one, labels, [1, -1, 1]);
      expect(sums).toMatchObject({
        ...{ "h.truePositives": 3, "h.falsePositives": 2, "h.falseNegatives": 1 },
        samples,
      });
      expect(sums["h.labels"]).toBeCloseTo(7 / 3, 10);
    });

    it("classes is of the rows that have one, and the loss is their mean times as many samples", async () => {
      const one = head("classification", { name: "y", kind: "class", classes: 3, ...partly });
      const sums = await measured(one, Int32Array.of(2, -1, 0, -1), [0, 0, 1]);
      expect(sums).toMatchObject({ "h.correct": 1, "h.labels": 2 });
      expect(sums.loss).toBeCloseTo((0.5 * (sums.h ?? nan)) / 0.5, 10);
      expect(sums.h).toBeCloseTo(2 * Math.log(2 + Math.E) - 1, 5);
    });

    it("numbers with an uncertainty is the squared error of the means, and −log of the density", async () => {
      const one = head("regression", { name: "y", kind: "number", numbers: 2 }, { uncertainty: true });
      const sums = await measured(one, new Float32Array(8), [1, 3, 0, Math.log(9)]);
      expect(sums["h.squaredError"]).toBeCloseTo((samples * (1 + 9)) / 2, 4);
      const density = (variance: number): number => 0.5 * (Math.log(2 * Math.PI * variance) + 1);
      expect(sums.h).toBeCloseTo((samples * (density(1) + density(9))) / 2, 4);
    });
  });

  it("a label that is not declared to be missing is refused", async () => {
    const compute = createInlineCompute(backend());
    const batch = (column: Int32Array | Float32Array): MicroBatch => ({
      ...{ program: "gradient", phase: 0, step: 1, round: 0, task: "one", slot: 0, samples, x: rows },
      columns: { y: column },
    });
    await compute.load(head("classification", { name: "y", kind: "class", classes: 3 }));
    await expect(compute.run(batch(classes))).rejects.toThrow(/label -1 is none of the 3 classes/);
    await compute.load(head("multiLabel", { name: "y", kind: "labels", numbers: 3 }));
    await expect(compute.run(batch(labels))).rejects.toThrow(/NaN says neither/);
    await compute.close();
  });
}
