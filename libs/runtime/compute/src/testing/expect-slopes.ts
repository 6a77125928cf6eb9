import type { ComputeModel } from "@latentweave/model";
import { expect } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someBatch, someParameters } from "./keyed.ts";
import { referenceLoss } from "./reference.ts";
import { wrongSlopes } from "./wrong-slopes.ts";

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
  const loss = (): number => referenceLoss(model, batch, numbers);
  expect(metrics[1]).toBeCloseTo(loss(), 4);
  const graph = model.phases[0]?.tasks.find((one) => one.task === task);
  for (const [index, name] of (graph?.groups ?? []).entries()) {
    const group = model.layout.groups.find((candidate) => candidate.name === name);
    for (const tensor of group?.tensors ?? []) {
      const values = numbers.get(tensor.name) ?? [];
      wrong.push(...wrongSlopes(tensor.name, values, loss, gradients[index], tensor.offset));
    }
  }
  expect(wrong).toEqual([]);
}
