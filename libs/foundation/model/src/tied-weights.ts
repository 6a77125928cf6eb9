import { UserError } from "@latentweave/protocol";
import type { TaskDescription } from "./description.ts";
import type { GraphBuilder, TiedKernel } from "./graph-builder.ts";

/**
 * Which of a decoder's dense layers use which kernel of the encoder's, transposed: the last one that of the first, and
 * so on inwards. Layers that are left over on the inner side keep kernels of their own; every layer has its own bias.
 * @throws UserError when there is nothing to tie
 */
export function tiedKernels(
  graph: GraphBuilder,
  taskName: string,
  task: TaskDescription,
): ReadonlyMap<string, TiedKernel> {
  const group = `${taskName}/encoder`;
  const owned = task.encoder.flatMap((layer, index): TiedKernel[] => {
    const node = graph.nodes.find((one) => one.op === "layer" && one.name === `${group}/${index}`);
    if (layer.kind !== "dense" || node?.op !== "layer") return [];
    const tensor = { role: "kernel", group, tensor: `${node.name}/kernel` };
    const inputs = graph.shapeOf(node.from)[0] as number;
    return [{ tensor, shape: [inputs, layer.units], owner: `tasks.${taskName}.encoder[${index}]` }];
  });
  const users = task.decoder.flatMap((layer, index) =>
    layer.kind === "dense" ? [`${taskName}/decoder/${index}`] : [],
  );
  const pairs = users
    .toReversed()
    .flatMap((name, index) => (owned[index] ? [[name, owned[index]] as const] : []));
  if (pairs.length === 0)
    throw new UserError({
      where: `tasks.${taskName}.tied`,
      what: `there is no dense layer in the ${owned.length === 0 ? "encoder" : "decoder"}`,
      expected: "dense layers on both sides: only their kernels can be shared",
      mend: "leave tied out",
    });
  return new Map(pairs);
}
