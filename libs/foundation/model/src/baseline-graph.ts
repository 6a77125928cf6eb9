import type { SharingKind } from "./description.ts";
import type { GraphNode, LossTerm, ParameterRef } from "./graph.ts";
import { GroupCollection } from "./group-collection.ts";
import { type GraphDraft, type ModelSource, sharedGraph } from "./task-models.ts";

/** What the same task alone is called, in the same run. */
export function baselineName(task: string): string {
  return `${task}-alone`;
}

/**
 * The model that a task would have if the job had no other, with tensors of its own: `digits/encoder/0/kernel` becomes
 * `digits-alone/encoder/0/kernel`, and `shared/trunk/0/kernel` becomes `digits-alone/shared/trunk/0/kernel`. First values
 * and draws are those of the task in a job of its own, so that training comes to the very bits of such a run.
 */
export function baselineGraph(source: ModelSource, model: SharingKind, task: string): GraphDraft {
  const { description } = source;
  const alone = description.tasks[task];
  if (!alone) throw new RangeError(`there is no task "${task}"`);
  const groups = new GroupCollection();
  const draft = sharedGraph(
    { ...source, description: { ...description, tasks: { [task]: alone } }, groups },
    model,
    task,
  );
  const own = (name: string): string =>
    `${baselineName(task)}/${name.startsWith(`${task}/`) ? name.slice(task.length + 1) : name}`;
  for (const { group, tensor } of groups.tensors())
    source.groups.add(own(group), { ...tensor, name: own(tensor.name), drawnAs: tensor.name });
  const moved = (parameter: ParameterRef): ParameterRef => ({
    ...parameter,
    group: own(parameter.group),
    tensor: own(parameter.tensor),
  });
  return {
    ...draft,
    task: baselineName(task),
    baselineOf: task,
    nodes: draft.nodes.map((node) => withParameters(node, moved)),
    losses: draft.losses.map((term) => termWith(term, moved)),
  };
}

function withParameters(node: GraphNode, moved: (parameter: ParameterRef) => ParameterRef): GraphNode {
  if (!("parameters" in node)) return node;
  // Each keeps its place: a node's operation knows its parameters by it.
  return { ...node, parameters: node.parameters.map(moved) } as GraphNode;
}

function termWith(term: LossTerm, moved: (parameter: ParameterRef) => ParameterRef): LossTerm {
  if (term.kind === "quantisation")
    return {
      ...term,
      codebook: moved(term.codebook),
      ...(term.counts && { counts: moved(term.counts) }),
    };
  return term.kind === "contractive" ? { ...term, kernel: moved(term.kernel) } : term;
}
