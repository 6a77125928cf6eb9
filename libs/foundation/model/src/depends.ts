import { type GraphNode, lossNodes, type LossTerm, nodeParameters, nodesRead } from "./graph.ts";

/** Names of the groups that the losses depend on: those of every node on a way from the input to a loss. */
export function groupsBehind(nodes: readonly GraphNode[], losses: readonly LossTerm[]): ReadonlySet<string> {
  const needed = new Set<number>(losses.flatMap(lossNodes));
  const groups = new Set<string>(
    losses.flatMap((term) => {
      if (term.kind === "quantisation") return [term.codebook.group];
      return term.kind === "reconstruction" && term.logVariance ? [term.logVariance.group] : [];
    }),
  );
  // Nodes come after what they read, so one walk from the end sees each after all that read it.
  for (const node of [...nodes].reverse()) {
    if (!needed.has(node.id)) continue;
    for (const from of nodesRead(node)) needed.add(from);
    for (const { group } of nodeParameters(node)) groups.add(group);
  }
  return groups;
}
