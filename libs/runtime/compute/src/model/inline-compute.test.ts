import { metricNames, type MicroBatch } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes, determinismSuite } from "../testing/determinism-suite.ts";
import { someBatch } from "../testing/keyed.ts";
import { bankModel, inputNumbers, sharedModel } from "../testing/models.ts";
import { createInlineCompute } from "./inline-compute.ts";

const { backend, start } = cpuComputes();

function batch(more: Partial<MicroBatch> = {}): MicroBatch {
  return someBatch({ task: "one", samples: 6, ...more }, inputNumbers);
}

determinismSuite(backend);

describe("a gradient", () => {
  it("has one array per group of the task, as long as the group, zero in the padding", async () => {
    const model = bankModel();
    const compute = await start(model);
    for (const [phase, { tasks }] of model.phases.entries())
      for (const graph of tasks) {
        const { gradients } = await compute.run(batch({ phase, task: graph.task }));
        expect(gradients).toHaveLength(graph.groups.length);
        for (const [index, name] of graph.groups.entries()) {
          const group = model.layout.groups.find((candidate) => candidate.name === name);
          const values = gradients[index] ?? new Float32Array();
          expect(values).toHaveLength(group?.numbers ?? -1);
          expect(values.some((value) => value !== 0)).toBe(true);
          const padding = values.slice();
          for (const { offset, numbers } of group?.tensors ?? []) padding.fill(0, offset, offset + numbers);
          expect(padding.some((value) => value !== 0)).toBe(false);
        }
      }
  });

  it("in a bank reaches every autoencoder from one task's loss", async () => {
    const model = bankModel();
    const bank = model.phases[1]?.tasks.find(({ task }) => task === "one");
    expect(bank?.groups.length).toBeGreaterThan(model.phases[0]?.tasks[0]?.groups.length ?? Infinity);
    const { gradients } = await (await start(model)).run(batch({ phase: 1 }));
    for (const gradient of gradients) expect(gradient.some((value) => value !== 0)).toBe(true);
  });

  it("is summed over the samples: two halves add up to the whole", async () => {
    const compute = await start(sharedModel());
    const whole = batch({ samples: 6 });
    const part = (from: number): MicroBatch => ({
      ...whole,
      samples: 3,
      x: whole.x.slice(from * inputNumbers, (from + 3) * inputNumbers),
      columns: Object.fromEntries(
        Object.entries(whole.columns).map(([name, column]) => [name, column.slice(from, from + 3)]),
      ),
    });
    const [all, first, second] = await Promise.all(
      [whole, part(0), part(3)].map((each) => compute.run(each)),
    );
    all?.gradients.forEach((gradient, group) =>
      gradient.forEach((value, i) =>
        expect(value).toBeCloseTo(
          (first?.gradients[group]?.[i] ?? NaN) + (second?.gradients[group]?.[i] ?? NaN),
          5,
        ),
      ),
    );
    expect(all?.metrics[1]).toBeCloseTo((first?.metrics[1] ?? NaN) + (second?.metrics[1] ?? NaN), 5);
  });
});

describe("the sums beside a gradient", () => {
  it("are named by metricNames; the loss weighs the terms", async () => {
    const model = sharedModel();
    const graph = model.phases[0]?.tasks[0];
    if (!graph) throw new Error("the fixture has a task");
    const names = metricNames(graph);
    const compute = await start(model);
    for (const program of ["gradient", "evaluate"] as const) {
      const { metrics } = await compute.run(batch({ program }));
      const sum = (name: string): number => metrics[names.indexOf(name)] ?? NaN;
      expect(metrics).toHaveLength(names.length);
      expect(sum("samples")).toBe(6);
      expect(sum("loss")).toBeCloseTo(sum("reconstruction") + 0.5 * sum("label") + 0.25 * sum("value"), 10);
      const metric = sum("label.correct");
      if (program === "gradient") expect(metric).toBe(0);
      else expect(metric === Math.floor(metric) && metric >= 0 && metric <= 6).toBe(true);
    }
  });

  it("count an answer as correct when its logit is the largest", async () => {
    const model = sharedModel();
    const graph = model.phases[0]?.tasks[0];
    if (!graph) throw new Error("the fixture has a task");
    const compute = await start(model);
    const question = batch({ program: "evaluate" });
    const logits = await compute.infer({ ...question, output: "label" });
    const answers = Int32Array.from({ length: 6 }, (_, sample) => {
      const row = logits.subarray(3 * sample, 3 * sample + 3);
      return row.indexOf(Math.max(...row));
    });
    const index = metricNames(graph).indexOf("label.correct");
    const graded = async (label: Int32Array): Promise<number | undefined> => {
      const { metrics } = await compute.run({ ...question, columns: { ...question.columns, label } });
      return metrics[index];
    };
    expect(await graded(answers)).toBe(6);
    expect(await graded(answers.map((answer, i) => (i < 2 ? (answer + 1) % 3 : answer)))).toBe(4);
  });
});

describe("dropout", () => {
  const model = sharedModel([{ kind: "dropout", rate: 0.5 }]);

  it("draws by step, round, slot and task, and by nothing else", async () => {
    const compute = await start(model);
    const usual = bytes(await compute.run(batch()));
    for (const other of [{ step: 6 }, { round: 1 }, { slot: 3 }])
      expect(bytes(await compute.run(batch(other)))).not.toBe(usual);
    expect(bytes(await compute.run(batch()))).toBe(usual);
    const reseeded = await start({ ...model, seed: 10 });
    expect(bytes(await reseeded.run(batch()))).not.toBe(usual);
  });

  it("is off when evaluating", async () => {
    const compute = await start(model);
    const usual = bytes(await compute.run(batch({ program: "evaluate" })));
    expect(bytes(await compute.run(batch({ program: "evaluate", step: 99 })))).toBe(usual);
  });
});

describe("inference", () => {
  it("gives latents, reconstructions and the outputs of heads, row by row", async () => {
    const compute = await start(sharedModel());
    const { x } = batch({ samples: 5 });
    const ask = (output: string): Promise<Float32Array> =>
      compute.infer({ phase: 0, task: "one", output, samples: 5, x });
    expect(await ask("latent")).toHaveLength(5 * 4);
    const all = await ask("reconstruction");
    expect(all).toHaveLength(5 * inputNumbers);
    expect(all.every((value) => value > 0 && value < 1)).toBe(true);
    const third = await compute.infer({
      ...{ phase: 0, task: "one", output: "reconstruction", samples: 1 },
      x: x.slice(2 * inputNumbers, 3 * inputNumbers),
    });
    third.forEach((value, i) => expect(value).toBeCloseTo(all[2 * inputNumbers + i] ?? NaN, 6));
    await expect(ask("nonsense")).rejects.toThrow(
      /no output "nonsense"; it has: latent, reconstruction, label, value/,
    );
  });
});

describe("a wrong call", () => {
  it("is refused with what was wrong, and the next one works", async () => {
    const model = sharedModel();
    const compute = await start(model);
    await expect(compute.run(batch({ task: "three" }))).rejects.toThrow(/no task "three"/);
    await expect(compute.run(batch({ samples: 5, x: new Float32Array(7) }))).rejects.toThrow(
      /has 60 numbers, not 7/,
    );
    await expect(compute.run(batch({ columns: {} }))).rejects.toThrow(/lacks column "label"/);
    const label = Int32Array.from([0, 1, 2, 3, 0, 1]);
    const { columns } = batch();
    await expect(compute.run(batch({ columns: { ...columns, label } }))).rejects.toThrow(/label 3 is none/);
    const values = new Float32Array(1e6);
    await expect(compute.setParameters([{ group: 0, start: 0, values }])).rejects.toThrow(/do not lie in/);
    expect((await compute.run(batch())).metrics[0]).toBe(6);
  });

  it("is refused before a model is loaded and after closing", async () => {
    const compute = createInlineCompute(backend());
    await expect(compute.run(batch())).rejects.toThrow(/no model is loaded/);
    await compute.close();
    await expect(compute.run(batch())).rejects.toThrow(/closed/);
  });
});
