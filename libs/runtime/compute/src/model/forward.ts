import {
  completeLayer,
  type GraphNode,
  nodesRead,
  type ParameterRef,
  type TaskGraph,
  type UserLayer,
} from "@latentweave/model";
import type { Kernels } from "../layers/kernels.ts";
import type { KeyedRandom } from "../layers/keyed-random.ts";
import { detach } from "../layers/detach.ts";
import { applyNoise, binarise, patchMask } from "../layers/noise.ts";
import { applyLayer } from "../layers/registry.ts";
import { quantise } from "../layers/quantise.ts";
import { drawNormal, sample } from "../layers/sample.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { categories } from "./categories.ts";
import { added, film, mixture, stitch } from "./joining.ts";

/** What the nodes of a graph are evaluated with. */
export interface ForwardContext {
  readonly tf: Tf;
  readonly kernels: Kernels;
  /** By tensor name. */
  readonly parameter: (tensor: string) => Tensor;
  readonly random: (layer: string) => KeyedRandom;
  readonly training: boolean;
  /** Normal draws for each row: `graph`: as many as it says; with none, a latent is its mean. */
  readonly draws: number | "graph";
  /** Whether numbers that are probabilities are drawn. */
  readonly binarises: boolean;
  readonly userLayers: Readonly<Record<string, UserLayer>>;
}

/** Ids of the nodes that these depend on, themselves included. */
export function ancestors(graph: TaskGraph, targets: readonly number[]): ReadonlySet<number> {
  const wanted = new Set(targets);
  for (const node of [...graph.nodes].reverse()) {
    if (!wanted.has(node.id)) continue;
    for (const from of nodesRead(node)) wanted.add(from);
  }
  return wanted;
}

/** Names of the nodes that draw when nothing is trained, too. */
export function drawnWhenMeasured({ nodes }: TaskGraph): ReadonlySet<string> {
  const draws = nodes.filter(
    (node) => node.op === "prior" || (node.op === "noise" && node.noise.kind === "binarise"),
  );
  return new Set(draws.flatMap((node) => ("name" in node ? [node.name] : [])));
}

/** Values of the target nodes and of all that they need, for x of [batch, ...input shape]. Call it inside a tidy. */
export function forward(
  graph: TaskGraph,
  targets: readonly number[],
  x: Tensor,
  context: ForwardContext,
): (id: number) => Tensor {
  const wanted = ancestors(graph, targets);
  const values = new Map<number, Tensor>();
  const shapes = new Map<number, readonly number[]>();
  const value = (id: number): Tensor => {
    const tensor = values.get(id);
    if (!tensor) throw new Error(`task "${graph.task}": graph node ${id} is read before it is computed`);
    return tensor;
  };
  for (const node of graph.nodes) {
    if (!wanted.has(node.id) || (node.op === "draw" && context.draws === 0)) continue;
    if (node.op === "patchMask" && !context.training) continue;
    values.set(
      node.id,
      evaluateNode(node, x, value, (id) => shapes.get(id) ?? [], context),
    );
    shapes.set(node.id, node.shape);
  }
  return value;
}

function evaluateNode(
  node: GraphNode,
  x: Tensor,
  value: (id: number) => Tensor,
  shapeOf: (id: number) => readonly number[],
  context: ForwardContext,
): Tensor {
  switch (node.op) {
    case "input":
      return x;
    case "concat":
      // Joins rows of numbers, whatever their shapes were.
      return context.tf.concat(
        node.from.map((id) => context.tf.reshape(value(id), [x.shape[0], -1])),
        1,
      );
    case "sum":
      return added(context.tf, node.from.map(value));
    case "mixture":
      return mixture(context.tf, value(node.gate), node.from.map(value));
    case "stitch":
      return stitch(context.tf, node.from.map(value), parameterOf(node, "weights", context), node);
    case "film":
      return film(context.tf, value(node.from), {
        embedding: parameterOf(node, "embedding", context),
        scale: parameterOf(node, "scale", context),
        shift: parameterOf(node, "shift", context),
      });
    case "noise":
      if (node.noise.kind === "binarise")
        return context.binarises
          ? binarise(context.tf, value(node.from), context.random(node.name))
          : value(node.from);
      if (!context.training) return value(node.from);
      return applyNoise(context.tf, value(node.from), node.noise, context.random(node.name));
    case "patchMask":
      return patchMask(context.tf, value(node.from), node, context.random(node.name));
    case "masked": {
      const [x, mask] = node.from;
      return context.training ? context.tf.mul(value(x), value(mask)) : value(x);
    }
    case "draw": {
      const draws = context.draws === "graph" ? node.samples : context.draws;
      return drawNormal(context.tf, value(node.from), draws, context.random(node.name));
    }
    case "categories":
      return categories(context.tf, value(node.from), node.blocks);
    case "quantise": {
      const [tensor, counts] = node.parameters.map((parameter) => context.parameter(parameter.tensor));
      return quantise(context.tf, value(node.from), tensor as Tensor, counts);
    }
    case "sample": {
      const [mean, logVariance, draw] = node.from;
      if (context.draws === 0) return value(mean);
      return sample(context.tf, value(mean), value(logVariance), value(draw));
    }
    case "prior":
      return drawNormal(context.tf, value(node.from), 1, context.random(node.name));
    case "detach":
      return detach(context.tf, value(node.from));
    case "layer":
      return applyLayer({
        tf: context.tf,
        kernels: context.kernels,
        spec: completeLayer(node.layer),
        name: node.name,
        input: value(node.from),
        inputShape: shapeOf(node.from),
        outputShape: node.shape,
        parameters: new Map(
          node.parameters.map(({ role, tensor }) => {
            const learned = context.parameter(tensor);
            return [role, node.frozen ? detach(context.tf, learned) : learned];
          }),
        ),
        training: context.training,
        random: context.random(node.name),
        userLayers: context.userLayers,
      });
  }
}

function parameterOf(
  { parameters }: GraphNode & { readonly parameters: readonly ParameterRef[] },
  role: string,
  context: ForwardContext,
): Tensor {
  const found = parameters.find((ref) => ref.role === role);
  if (!found) throw new Error(`a graph node lacks its tensor "${role}"`);
  return context.parameter(found.tensor);
}
