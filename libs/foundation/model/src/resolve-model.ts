import { createLayout, type GroupSpec, type ParameterLayout } from "@latentweave/parameters";
import { baselineGraph } from "./baseline-graph.ts";
import { bankGraph, pretrainGraph } from "./bank-model.ts";
import { groupsBehind } from "./depends.ts";
import type { DataShape, ModelDescription } from "./description.ts";
import { relate } from "./families.ts";
import type { ModelPhase } from "./graph.ts";
import { GroupCollection } from "./group-collection.ts";
import type { UserLayer } from "./layers.ts";
import { type GraphDraft, type ModelSource, privateGraph, sharedGraph } from "./task-models.ts";

export interface ResolvedModel {
  readonly groups: readonly GroupSpec[];
  readonly layout: ParameterLayout;
  readonly phases: readonly ModelPhase[];
}

/**
 * Shape inference for a whole job: which tensors there are, in which groups, used by which tasks, and what each task
 * computes in each phase. Pure: the same description and shapes give the same model everywhere.
 * @param shapes of every task's prepared data
 * @param userLayers what the job's own module exports as `layers`
 * @throws UserError naming the layer and both shapes where something does not fit.
 */
export function resolveModel(
  description: ModelDescription,
  shapes: Readonly<Record<string, DataShape>>,
  userLayers: Readonly<Record<string, UserLayer>> = {},
): ResolvedModel {
  const collection = new GroupCollection();
  const drafts = draftPhases({ description, shapes, userLayers, groups: collection });
  const tasks = drafts[0]?.graphs.map(({ task }) => task) ?? [];
  const needed = drafts.map(({ graphs }) => graphs.map((graph) => groupsBehind(graph.nodes, graph.losses)));
  const tasksOf = (group: string): readonly string[] =>
    tasks.filter((_, index) => needed.some((phase) => phase[index]?.has(group)));
  const groups = relate(collection.specs(tasksOf), description);
  const order = groups.map(({ name }) => name);
  const phases = drafts.map(({ name, graphs }, phase) => ({
    name,
    tasks: graphs.map((graph, index) => ({
      ...graph,
      groups: order.filter((group) => needed[phase]?.[index]?.has(group)),
    })),
  }));
  return { groups, layout: createLayout(groups), phases };
}

function draftPhases(source: ModelSource): readonly { name: string; graphs: readonly GraphDraft[] }[] {
  const { model, tasks } = source.description;
  const names = Object.keys(tasks);
  switch (model.kind) {
    case "private":
      return [{ name: "train", graphs: names.map((task) => privateGraph(source, task)) }];
    case "bank":
      return [
        { name: "pretrain", graphs: names.map((task) => pretrainGraph(source, task)) },
        { name: "bank", graphs: names.map((task) => bankGraph(source, model, task)) },
      ];
    default: {
      const together = names.map((task) => sharedGraph(source, model, task));
      // Behind all of them, so that a task's number is the same with and without baselines.
      const alone = source.description.guard ? names.map((task) => baselineGraph(source, model, task)) : [];
      return [{ name: "train", graphs: [...together, ...alone] }];
    }
  }
}
