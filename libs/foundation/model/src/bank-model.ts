import { UserError } from "@latentweave/protocol";
import type { ModelKind } from "./description.ts";
import { countNumbers, show } from "./infer-layer.ts";
import { reconstructionTerm } from "./reconstruction-term.ts";
import {
  decode,
  encode,
  type GraphDraft,
  headTerms,
  type ModelSource,
  privateGraph,
  start,
} from "./task-models.ts";

/** Phase 1: every task trains its own autoencoder. */
export function pretrainGraph(source: ModelSource, taskName: string): GraphDraft {
  checkWidth(source, taskName);
  return privateGraph(source, taskName);
}

/**
 * Phase 2: a task's sample goes through the autoencoders of all tasks; their T reconstructions, one after the other
 * [T·D], enter one dense layer of D units, whose target is the sample. The latent (and what heads see) stays that of the
 * task's own autoencoder.
 */
export function bankGraph(
  source: ModelSource,
  model: ModelKind & { kind: "bank" },
  taskName: string,
): GraphDraft {
  const { graph, task, input, clean, augment } = start(source, taskName);
  let latent: number | undefined;
  const reconstructions = Object.entries(source.description.tasks).map(([name, other]) => {
    const encoded = encode(graph, name, other, clean);
    if (name === taskName) latent = encoded;
    return decode(graph, name, other, encoded);
  });
  if (latent === undefined || task.reconstruction === false)
    throw new RangeError(`the task "${taskName}" has no autoencoder in the bank`);
  const joined = graph.concat(reconstructions);
  const place = { group: "bank/head", field: "model" };
  const prediction = graph.dense(joined, countNumbers(input), model.activation, "bank/head", place);
  const term = reconstructionTerm(graph, prediction, task.reconstruction, input, {
    field: "model.activation",
    last: "the bank's head",
    ...{ group: place.group, categories: [] },
    ...(clean > 0 && { target: clean }),
  });
  return {
    task: taskName,
    ...(augment && { augment }),
    nodes: graph.nodes,
    losses: [term, ...headTerms(graph, source, taskName, task, latent)],
    latent,
    reconstruction: prediction,
  };
}

/** Every autoencoder takes every task's samples: rows of one width D. */
function checkWidth(source: ModelSource, taskName: string): void {
  const first = Object.keys(source.description.tasks)[0] as string;
  const { task, input } = start(source, taskName);
  if (task.reconstruction === false)
    throw new UserError({
      where: `tasks.${taskName}.reconstruction`,
      what: "is off, but a bank is made of autoencoders",
      expected: 'a loss, such as { loss: "bce" }',
      mend: 'leave it out, or use model: { kind: "private" }',
    });
  if (input.length !== 1)
    throw new UserError({
      where: `tasks.${taskName}.input`,
      what: `the samples have shape ${show(input)}`,
      expected: "rows of numbers, as wide for every task of the bank",
      mend: `set input: ${show([countNumbers(input)])}, and the data's width to that of the other tasks`,
    });
  const width = start(source, first).input;
  if (width.join() !== input.join())
    throw new UserError({
      where: `tasks.${taskName}.data`,
      what: `its samples have shape ${show(input)}, those of "${first}" ${show(width)}`,
      expected: "one width for all tasks, because every autoencoder of the bank takes every sample",
      mend: `set width in the data of both tasks to one number, such as ${Math.max(countNumbers(width), countNumbers(input))}`,
    });
}
