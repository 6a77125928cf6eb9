import type { ComputeModel } from "@latentweave/model";
import { expect } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someBatch, someParameters } from "./keyed.ts";
import { referenceLoss } from "./reference.ts";

/**
 * Loss and gradient of a task with samples of 6 numbers and a column `value` of 2, with respect to every parameter,
 * against a textbook's in float64, differentiated numerically.
 */
export async function expectSlopes(backend: LoadedBackend, model: ComputeModel, task: string): Promise<void> {
  const compute = createInlineCompute(backend);
  await compute.load(model);
  const parameters = someParameters(model);
  await compute.setParameters(parameters);
  const batch = someBatch({ task, samples: 3 }, 6, { values: 2 });
  const { gradients, metrics } = await compute.run(batch);
  await compute.close();

  const numbers = new Map<string, number[]>();
  for (const group of model.layout.groups)
    for (const tensor of group.tensors) {
      const slice = parameters.find((each) => each.group === group.index && each.start === tensor.offset);
      numbers.set(tensor.name, [...(slice?.values ?? [])]);
    }
  const wrong: string[] = [];
  expect(metrics[1]).toBeCloseTo(referenceLoss(model, batch, numbers), 4);
  const graph = model.phases[0]?.tasks.find((one) => one.task === task);
  for (const [index, name] of (graph?.groups ?? []).entries()) {
    const group = model.layout.groups.find((candidate) => candidate.name === name);
    for (const tensor of group?.tensors ?? []) {
      const values = numbers.get(tensor.name) ?? [];
      for (const [i, value] of values.entries()) {
        const slope = (step: number): number => {
          values[i] = value + step;
          const above = referenceLoss(model, batch, numbers);
          values[i] = value - step;
          const below = referenceLoss(model, batch, numbers);
          values[i] = value;
          return (above - below) / (2 * step);
        };
        const ours = gradients[index]?.[tensor.offset + i] ?? NaN;
        const expected = slope(1e-6);
        if (!(Math.abs(ours - expected) < 1e-4 * Math.max(1, Math.abs(expected))))
          wrong.push(`${tensor.name}[${i}]: ${ours} instead of ${expected}`);
      }
    }
  }
  expect(wrong).toEqual([]);
}
