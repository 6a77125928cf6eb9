import { UserError } from "@latentweave/protocol";
import type { PenaltySpec } from "./autoencoder.ts";
import { type GraphNode, nodesRead } from "./graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { LatentTerm } from "./latent-terms.ts";

/** The terms that a task's penalties add, on its latent. @throws UserError where the latent does not suit them */
export function penaltyTerms(
  graph: GraphBuilder,
  latent: number,
  penalties: readonly PenaltySpec[],
  taskName: string,
): readonly LatentTerm[] {
  return penalties.map((penalty, index): LatentTerm => {
    const where = `tasks.${taskName}.penalties[${index}]`;
    const { kind, weight } = penalty;
    switch (kind) {
      case "l1":
        return { kind, name: kind, weight, latent };
      case "sparsity":
        if (activationOf(graph.node(latent)) !== "sigmoid")
          throw new UserError({
            where,
            what: "a target rate needs a latent between 0 and 1",
            expected: "a latent that ends in a sigmoid",
            mend: 'give the layer of the latent activation: "sigmoid", or use the penalty "l1"',
          });
        return { kind, name: kind, weight, rate: penalty.rate, latent };
      case "contractive":
        return { kind, name: kind, weight, latent, ...oneLayer(graph, latent, where) };
    }
  });
}

/** The one dense layer with a sigmoid or tanh that makes the latent of the input, for which the Jacobian is known. */
function oneLayer(
  graph: GraphBuilder,
  latent: number,
  where: string,
): Pick<LatentTerm & { kind: "contractive" }, "activation" | "kernel"> {
  const outer = graph.node(latent);
  const activation = activationOf(outer);
  const inner = graph.node(nodesRead(outer)[0] ?? latent);
  const kernel =
    inner.op === "layer" && inner.layer.kind === "dense"
      ? inner.parameters.find(({ role }) => role === "kernel")
      : undefined;
  if ((activation === "sigmoid" || activation === "tanh") && kernel && isInputReordered(graph, inner))
    return { activation, kernel };
  throw new UserError({
    where,
    what: "the contractive penalty is known in closed form for an encoder of one dense layer alone, and this one is another",
    expected: 'one dense layer with activation "sigmoid" or "tanh" between the input and the latent',
    mend: "change the encoder, or use noise, of which it is the limit",
  });
}

/** Whether what a layer reads is the input, in other shapes, with noise or without. */
function isInputReordered(graph: GraphBuilder, layer: GraphNode): boolean {
  let node = layer;
  do node = graph.node(nodesRead(node)[0] ?? 0);
  while (
    node.op === "noise" ||
    node.op === "masked" ||
    (node.op === "layer" && (node.layer.kind === "flatten" || node.layer.kind === "reshape"))
  );
  return node.op === "input";
}

/** Of the node, seen through reshaping. */
function activationOf(node: GraphNode): string | undefined {
  return node.op === "layer" && node.layer.kind === "activation" ? node.layer.activation : undefined;
}
