import { type GraphNode, nodeParameters, nodesRead, type TaskGraph } from "./graph.ts";

/** What the graph of a task's way back is called; no task has such a name. */
export function decoderName(task: string): string {
  return `${task}/decoder`;
}

/**
 * The way back of a task's model by itself: its input is a latent, of the shape of the task's latent, and its output
 * `reconstruction` what the model makes of it. It trains nothing, so it has no losses.
 * @throws Error when the graph has no latent or reconstructs nothing
 */
export function decoderGraph(graph: TaskGraph): TaskGraph {
  const { task, latent, reconstruction } = graph;
  if (latent === undefined || reconstruction === undefined)
    throw new Error(`task "${task}" has no way from a latent back to a sample`);
  const nodes: GraphNode[] = [];
  const wanted = new Set([reconstruction]);
  // Nodes come after what they read, so one walk from the end sees each after all that read it.
  for (const node of [...graph.nodes].reverse()) {
    if (!wanted.has(node.id)) continue;
    if (isLatent(node, latent)) {
      nodes.push({ id: node.id, op: "input", shape: node.shape });
      continue;
    }
    if (node.op === "input") throw new Error(`the decoder of task "${task}" reads more than the latent`);
    nodes.push(node);
    for (const from of nodesRead(node)) wanted.add(from);
  }
  const groups = new Set(nodes.flatMap((node) => nodeParameters(node).map(({ group }) => group)));
  return {
    task: decoderName(task),
    nodes: nodes.reverse(),
    losses: [],
    groups: graph.groups.filter((group) => groups.has(group)),
    latent: undefined,
    reconstruction,
  };
}

/** The latent, or the draw around it that a variational decoder begins with. */
function isLatent(node: GraphNode, latent: number): boolean {
  return node.id === latent || (node.op === "sample" && node.from[0] === latent);
}
