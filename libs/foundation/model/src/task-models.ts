import { UserError } from "@latentweave/protocol";
import type { DataShape, ModelDescription, SharingKind, TaskDescription } from "./description.ts";
import type { LossTerm, TaskGraph } from "./graph.ts";
import { addLatent, type LatentNodes, plainLatent } from "./latent.ts";
import type { AugmentPlan } from "./augmentation.ts";
import { checkNoise } from "./noise.ts";
import { penaltyTerms } from "./penalties.ts";
import { planAugmentation } from "./plan-augmentation.ts";
import { tiedKernels } from "./tied-weights.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { GroupCollection } from "./group-collection.ts";
import { headTerm } from "./head-term.ts";
import { countNumbers, show } from "./infer-layer.ts";
import type { UserLayer } from "./layers.ts";
import { reconstructionTerm } from "./reconstruction-term.ts";
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

/** Encoder and decoder of the task's own; what the encoder yields is the latent, or what it is made of. */
export function privateGraph(source: ModelSource, taskName: string): GraphDraft {
  const begun = start(source, taskName);
  const { graph, task } = begun;
  const encoded = encode(graph, taskName, task, begun.seen);
  const place = { group: `${taskName}/encoder`, field: `tasks.${taskName}.latent` };
  const names = {
    name: `${taskName}/encoder/latent`,
    drawName: `${taskName}/latent`,
    codebook: `${taskName}/codebook`,
    discriminator: `${taskName}/discriminator`,
  };
  const latent = task.latent ? addLatent(graph, encoded, task.latent, names, place) : plainLatent(encoded);
  return finish(source, taskName, begun, latent, (from) => from);
}

/** The task's encoder, what tasks share with the latent at its end, the shared way back, the task's decoder. */
export function sharedGraph(source: ModelSource, model: SharingKind, taskName: string): GraphDraft {
  const begun = start(source, taskName);
  const { graph, task } = begun;
  const encoded = encode(graph, taskName, task, begun.seen);
  checkEntersTrunk(source, taskName, graph.shapeOf(encoded));
  const tasks = Object.keys(source.description.tasks);
  const latent = sharedLatent(model, { graph, task: taskName, tasks, encoded });
  return finish(source, taskName, begun, latent, (from) =>
    graph.sequence(from, model.trunkDecoder, {
      group: "shared/trunk-decoder",
      field: "model.trunkDecoder",
    }),
  );
}

/** From the latent on: the way back, heads and penalties. @param back what leads to the task's own decoder */
function finish(
  source: ModelSource,
  taskName: string,
  { graph, task, input, clean, mask, augment }: Beginning,
  { latent, toDecoder, terms }: LatentNodes,
  back: (from: number) => number,
): GraphDraft {
  const heads = headTerms(graph, source, taskName, task, latent);
  const penalties = penaltyTerms(graph, latent, task.penalties ?? [], taskName);
  const draft = { task: taskName, ...(augment && { augment }), nodes: graph.nodes, latent };
  if (task.reconstruction === false)
    return { ...draft, losses: [...terms(undefined), ...heads, ...penalties], reconstruction: undefined };
  const prediction = decode(graph, taskName, task, back(toDecoder));
  const term = reconstructionTerm(graph, prediction, task.reconstruction, input, {
    ...{ field: `tasks.${taskName}.decoder`, last: "the decoder", group: `${taskName}/decoder` },
    ...(clean > 0 && { target: clean }),
    ...(mask !== undefined && { mask }),
    categories: source.shapes[taskName]?.categories ?? [],
  });
  return { ...draft, losses: [...terms(term), ...heads, ...penalties], reconstruction: term.prediction };
}

/** A task's graph up to its encoder. */
interface Beginning {
  readonly graph: GraphBuilder;
  readonly task: TaskDescription;
  /** Shape of a sample. */
  readonly input: readonly number[];
  /** Node of what is to be reconstructed: the input, unless its numbers are drawn. */
  readonly clean: number;
  /** Node of what the encoder sees: noise included. */
  readonly seen: number;
  /** Node of a mask whose hidden numbers alone are to be compared. */
  readonly mask?: number;
  readonly augment: AugmentPlan | undefined;
}

export function start(source: ModelSource, taskName: string): Beginning {
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
  const given = graph.input(input);
  const clean =
    task.binarise === true ? graph.noise(given, { kind: "binarise" }, `${taskName}/binarise`) : given;
  if (task.noise) checkNoise(task.noise, input, `tasks.${taskName}.noise`);
  const augment = planAugmentation(task, data, `tasks.${taskName}.augment`);
  const begun = { graph, task, input, clean, augment };
  if (!task.noise) return { ...begun, seen: clean };
  const name = `${taskName}/noise`;
  if (task.noise.kind !== "patches" || task.noise.compare === undefined)
    return { ...begun, seen: graph.noise(clean, task.noise, name) };
  const { mask, masked } = graph.patches(clean, task.noise, name);
  return { ...begun, seen: masked, mask };
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
    ...(task.tied === true && { tied: tiedKernels(graph, taskName, task) }),
  });
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
