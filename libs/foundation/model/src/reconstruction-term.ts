import { UserError } from "@latentweave/protocol";
import type { CategoryBlock, ReconstructionDescription } from "./description.ts";
import type { GraphNode, ReconstructionTerm } from "./graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { show } from "./infer-layer.ts";

/** What a reconstruction is held against, and where it comes from. */
export interface ReconstructionPlace {
  /** Of the job, for messages, and what its last layer is called there. */
  readonly field: string;
  readonly last: string;
  /** Node of what is to come back, where it is not the input. */
  readonly target?: number;
  /** Node of a mask whose hidden numbers alone are compared; of `mse` and `bce`. */
  readonly mask?: number;
  /** Group of what the loss itself learns. */
  readonly group: string;
  /** Of the data: which numbers of a row are one category's. */
  readonly categories: readonly CategoryBlock[];
}

/** The reconstruction's term, once the prediction is known to have the input's shape and a range that suits the loss. */
export function reconstructionTerm(
  graph: GraphBuilder,
  prediction: number,
  reconstruction: ReconstructionDescription,
  input: readonly number[],
  where: ReconstructionPlace,
): ReconstructionTerm {
  const output = graph.shapeOf(prediction);
  if (output.join() !== input.join())
    throw new UserError({
      where: where.field,
      what: `${where.last} yields samples of shape ${show(output)}, but the input has shape ${show(input)}`,
      expected: "the shape of the input, which the decoder is to reconstruct",
      mend: mendShape(output, input),
    });
  const { loss, weight, reduction, name = "", options = {} } = reconstruction;
  const base = {
    ...({ kind: "reconstruction", name: "reconstruction", loss } as const),
    ...(loss === "user" && { user: { name, options } }),
    ...(reduction === "sum" && { reduction }),
    weight,
  };
  const target = {
    ...(where.target !== undefined && { target: where.target }),
    ...(where.mask !== undefined && { mask: where.mask }),
  };
  if (loss === "categorical") {
    const blocks = categoryBlocks(input, where);
    requireLogits(graph.node(prediction), where);
    return {
      ...base,
      prediction: graph.categories(prediction, blocks),
      logits: prediction,
      ...target,
      blocks,
    };
  }
  const node = graph.node(prediction);
  const sigmoid =
    node.op === "layer" && node.layer.kind === "activation" && node.layer.activation === "sigmoid";
  const ownLayer = node.op === "layer" && node.layer.kind === "user";
  if (loss === "bce" && !sigmoid && !ownLayer)
    throw new UserError({
      where: where.field,
      what: `binary cross-entropy needs a prediction between 0 and 1, but ${where.last} does not end in a sigmoid`,
      expected: 'a last layer with activation "sigmoid"',
      mend: 'give the last layer activation: "sigmoid", or set reconstruction: { loss: "mse" }',
    });
  return {
    ...base,
    prediction,
    logits: sigmoid ? node.from : undefined,
    ...target,
    ...(loss === "gaussian" && { logVariance: graph.scalar(where.group, "logVariance") }),
  };
}

/** The data's own one-hot columns, or, of samples of several axes, the last one. */
function categoryBlocks(input: readonly number[], where: ReconstructionPlace): readonly CategoryBlock[] {
  if (input.length === 1 && where.categories.length > 0) return where.categories;
  const width = input.at(-1) ?? 1;
  if (input.length > 1 && width > 1) return [{ start: 0, width }];
  throw new UserError({
    where: where.field.replace(/\.decoder$/, ".reconstruction.loss"),
    what: `"categorical" reconstructs categories, but samples of shape ${show(input)} have none`,
    expected:
      "a table some of whose columns are in the data's oneHot, or samples [positions, values] of one-hot rows",
    mend: 'name the columns of categories in oneHot, set the shape of a sample by input, or take the loss "mse"',
  });
}

/** Any number is a logit; what an activation has bounded is none. */
function requireLogits(node: GraphNode, where: ReconstructionPlace): void {
  if (node.op !== "layer" || node.layer.kind !== "activation") return;
  throw new UserError({
    where: where.field,
    what: `the loss "categorical" takes the softmax itself, but ${where.last} ends in the activation "${node.layer.activation}"`,
    expected: 'a last layer with activation "linear"',
    mend: "leave the last layer's activation out",
  });
}

function mendShape(output: readonly number[], input: readonly number[]): string {
  const numbers = input.reduce((product, size) => product * size, 1);
  if (input.length === 1)
    return `end the decoder with dense(${numbers}, ...)${output.length > 1 ? " after flatten()" : ""}`;
  if (output.reduce((product, size) => product * size, 1) === numbers)
    return `end the decoder with reshape(${show(input)}), or set the task's input: ${show(output)}`;
  return `end the decoder with dense(${numbers}, ...) and reshape(${show(input)}), or with a convolution of ${input.at(-1) ?? 1} filters at ${input.slice(0, -1).join("×")}`;
}
