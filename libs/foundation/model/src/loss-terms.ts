import { UserError } from "@latentweave/protocol";
import type { DataColumn, DataShape, HeadDescription, ReconstructionDescription } from "./description.ts";
import type { HeadTerm, ReconstructionTerm } from "./graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { show } from "./infer-layer.ts";

/** The reconstruction's term, once the prediction is known to have the input's shape and a range that suits the loss. */
export function reconstructionTerm(
  graph: GraphBuilder,
  prediction: number,
  reconstruction: ReconstructionDescription,
  input: readonly number[],
  where: { readonly field: string; readonly last: string; readonly target?: number },
): ReconstructionTerm {
  const output = graph.shapeOf(prediction);
  if (output.join() !== input.join())
    throw new UserError({
      where: where.field,
      what: `${where.last} yields samples of shape ${show(output)}, but the input has shape ${show(input)}`,
      expected: "the shape of the input, which the decoder is to reconstruct",
      mend: mendShape(output, input),
    });
  const node = graph.node(prediction);
  const sigmoid =
    node.op === "layer" && node.layer.kind === "activation" && node.layer.activation === "sigmoid";
  const ownLayer = node.op === "layer" && node.layer.kind === "user";
  if (reconstruction.loss === "bce" && !sigmoid && !ownLayer)
    throw new UserError({
      where: where.field,
      what: `binary cross-entropy needs a prediction between 0 and 1, but ${where.last} does not end in a sigmoid`,
      expected: 'a last layer with activation "sigmoid"',
      mend: 'give the last layer activation: "sigmoid", or set reconstruction: { loss: "mse" }',
    });
  return {
    kind: "reconstruction",
    name: "reconstruction",
    loss: reconstruction.loss,
    ...(reconstruction.loss === "user" && {
      user: { name: reconstruction.name ?? "", options: reconstruction.options ?? {} },
    }),
    ...(reconstruction.reduction === "sum" && { reduction: "sum" }),
    weight: reconstruction.weight,
    prediction,
    logits: sigmoid ? node.from : undefined,
    ...(where.target !== undefined && { target: where.target }),
  };
}

/** One head on the latent: its own layers, then a dense layer with as many units as its column needs. */
export function headTerm(
  graph: GraphBuilder,
  latent: number,
  taskName: string,
  name: string,
  head: HeadDescription,
  data: DataShape,
): HeadTerm {
  const field = `tasks.${taskName}.heads.${name}`;
  const column = findColumn(data, head, field);
  const place = { group: `${taskName}/head/${name}`, field: `${field}.layers` };
  const hidden = graph.sequence(latent, head.layers, place);
  const { weight } = head;
  const last = (units: number): number =>
    graph.dense(hidden, units, "linear", `${place.group}/output`, { ...place, field });
  if (head.kind === "regression")
    return {
      kind: "regression",
      name,
      weight,
      prediction: last(column.numbers ?? 1),
      column: column.name,
    };
  const classes = head.classes ?? column.classes ?? 0;
  if (classes < (column.classes ?? 0) || classes < 1)
    throw new UserError({
      where: `${field}.classes`,
      what: `${classes} classes, but the column "${column.name}" has ${column.classes ?? 0}`,
      expected: `${column.classes ?? "some"} or more`,
      mend: "leave `classes` out: the data says how many there are",
    });
  return { kind: "classification", name, weight, logits: last(classes), classes, column: column.name };
}

function findColumn(data: DataShape, head: HeadDescription, field: string): DataColumn {
  const kind = head.kind === "classification" ? "class" : "number";
  const column = data.columns.find(({ name }) => name === head.column);
  if (column?.kind === kind) return column;
  const fitting = data.columns.filter((candidate) => candidate.kind === kind).map(({ name }) => name);
  const other = kind === "class" ? "regression" : "classification";
  throw new UserError({
    where: `${field}.column`,
    what: column
      ? `a ${head.kind} head cannot learn "${head.column}", which holds ${column.kind === "class" ? "classes" : "numbers"}`
      : `the task's data has no column "${head.column}"`,
    expected:
      fitting.length > 0 ? `one of ${fitting.join(", ")}` : `data with a column of ${kind}s to predict`,
    mend: column
      ? `use a ${other} head, or set the data's targetKind: "${kind}"`
      : "name the labels in the task's data, or leave the head out",
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
