import { UserError } from "@latentweave/protocol";
import type { DataShape, ModelDescription, SharingKind, TaskDescription } from "./description.ts";
import type { LossTerm, TaskGraph } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { GroupCollection } from "./group-collection.ts";
import { countNumbers, show } from "./infer-layer.ts";
import type { UserLayer } from "./layers.ts";
import { headTerm, reconstructionTerm } from "./loss-terms.ts";
import { sharedLatent } from "./sharing/shared-latent.ts";

/** All that a task's graph is made from. */
export interface ModelSource {
  readonly description: ModelDescription;
  readonly shapes: Readonly<Record<string, DataShape>>;
  readonly userLayers: Readonly<Record<string, UserLayer>>;
  readonly groups: GroupCollection;
}

/** A task's graph before its groups are put in layout order. */
export type GraphDraft = Omit<TaskGraph, "groups">;

/** Encoder and decoder of the task's own; what the encoder yields is the latent. */
export function privateGraph(source: ModelSource, taskName: string): GraphDraft {
  const { graph, task, input } = start(source, taskName);
  const latent = encode(graph, taskName, task, 0);
  const draft = { task: taskName, nodes: graph.nodes, latent };
  const heads = headTerms(graph, source, taskName, task, latent);
  if (task.reconstruction === false) return { ...draft, losses: heads, reconstruction: undefined };
  const prediction = decode(graph, taskName, task, latent);
  const term = reconstructionTerm(graph, prediction, task.reconstruction, input, decoderPlace(taskName));
  return { ...draft, losses: [term, ...heads], reconstruction: prediction };
}

/** The task's encoder, what tasks share with the latent at its end, the shared way back, the task's decoder. */
export function sharedGraph(source: ModelSource, model: SharingKind, taskName: string): GraphDraft {
  const { graph, task, input } = start(source, taskName);
  const encoded = encode(graph, taskName, task, 0);
  checkEntersTrunk(source, taskName, graph.shapeOf(encoded));
  const tasks = Object.keys(source.description.tasks);
  const latent = sharedLatent(model, { graph, task: taskName, tasks, encoded });
  const draft = { task: taskName, nodes: graph.nodes, latent };
  const heads = headTerms(graph, source, taskName, task, latent);
  if (task.reconstruction === false) return { ...draft, losses: heads, reconstruction: undefined };
  const back = graph.sequence(latent, model.trunkDecoder, {
    group: "shared/trunk-decoder",
    field: "model.trunkDecoder",
  });
  const prediction = decode(graph, taskName, task, back);
  const term = reconstructionTerm(graph, prediction, task.reconstruction, input, decoderPlace(taskName));
  return { ...draft, losses: [term, ...heads], reconstruction: prediction };
}

export function start(
  source: ModelSource,
  taskName: string,
): { graph: GraphBuilder; task: TaskDescription; input: readonly number[] } {
  const task = source.description.tasks[taskName];
  const data = source.shapes[taskName];
  if (!task || !data) throw new RangeError(`no shape of data for the task "${taskName}"`);
  const input = task.input ?? data.inputShape;
  if (countNumbers(input) !== countNumbers(data.inputShape))
    throw new UserError({
      where: `tasks.${taskName}.input`,
      what: `${show(input)} holds ${countNumbers(input)} numbers, but the data's samples have shape ${show(data.inputShape)}`,
      expected: `a shape of ${countNumbers(data.inputShape)} numbers`,
      mend: "change it, or leave it out to take the data's own shape",
    });
  const graph = new GraphBuilder(source.groups, source.userLayers);
  graph.input(input);
  return { graph, task, input };
}

export function encode(graph: GraphBuilder, taskName: string, task: TaskDescription, from: number): number {
  return graph.sequence(from, task.encoder, {
    group: `${taskName}/encoder`,
    field: `tasks.${taskName}.encoder`,
  });
}

export function decode(graph: GraphBuilder, taskName: string, task: TaskDescription, from: number): number {
  return graph.sequence(from, task.decoder, {
    group: `${taskName}/decoder`,
    field: `tasks.${taskName}.decoder`,
  });
}

export function decoderPlace(taskName: string): { field: string; last: string } {
  return { field: `tasks.${taskName}.decoder`, last: "the decoder" };
}

export function headTerms(
  graph: GraphBuilder,
  source: ModelSource,
  taskName: string,
  task: TaskDescription,
  latent: number,
): LossTerm[] {
  const data = source.shapes[taskName] as DataShape;
  return Object.entries(task.heads).map(([name, head]) =>
    headTerm(graph, latent, taskName, name, head, data),
  );
}

/** The trunk is one set of tensors, so what enters it has one shape. */
function checkEntersTrunk(source: ModelSource, taskName: string, shape: readonly number[]): void {
  const first = Object.keys(source.description.tasks)[0] as string;
  if (first === taskName) return;
  const { graph, task } = start(source, first);
  const expected = graph.shapeOf(encode(graph, first, task, 0));
  if (expected.join() !== shape.join())
    throw new UserError({
      where: `tasks.${taskName}.encoder`,
      what: `yields samples of shape ${show(shape)}, but the encoder of "${first}" yields ${show(expected)}`,
      expected: "one shape for all tasks, because they share the trunk",
      mend: `end this encoder with a layer that yields ${show(expected)}`,
    });
}
