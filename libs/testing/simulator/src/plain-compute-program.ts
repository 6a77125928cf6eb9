import type { Arithmetic } from "@latentweave/arithmetic";
import {
  type ComputeModel,
  metricNames,
  nodesRead,
  type ParameterRef,
  type TaskGraph,
} from "@latentweave/model";
import type { ParameterLayout } from "@latentweave/parameters";
import { applyPlainLayer } from "./plain-compute-layers.ts";
import {
  plainLoss,
  plainLossNode,
  plainMetric,
  plainMetricNode,
  type PlainTargets,
  plainTerms,
} from "./plain-compute-losses.ts";

/** A batch of one task in one phase, with parameters of any precision. */
export interface PlainBatch extends PlainTargets {
  readonly phase: number;
  readonly task: string;
  /** By group index, each as long as its group. */
  readonly parameters: readonly Float64Array[];
}

export interface PlainGradient {
  /** Of the loss summed over the samples; in the order of the graph's groups, padding zero. */
  readonly gradients: readonly Float64Array[];
  /** As `metricNames`; the metrics proper are 0. */
  readonly metrics: Float64Array;
}

type Model = Pick<ComputeModel, "layout" | "phases">;

/** Gradient in float64 throughout, of a batch of any size: the truth to compare float32 training with. */
export function plainGradient(model: Model, batch: PlainBatch, arithmetic: Arithmetic): PlainGradient {
  const graph = plainGraph(model, batch.phase, batch.task);
  const adjointsByGroup = new Map(
    graph.groups.map((name) => [name, new Float64Array(groupOf(model.layout, name).numbers)]),
  );
  const parameters = (ref: ParameterRef): Float64Array => placed(model.layout, ref, batch.parameters);
  const parameterAdjoints = (ref: ParameterRef): Float64Array => {
    const values = adjointsByGroup.get(ref.group);
    if (!values) throw new Error(`task "${graph.task}" does not list its group "${ref.group}"`);
    return within(model.layout, ref, values);
  };
  const targets = plainTerms(graph).map(plainLossNode);
  const tape = forward(graph, targets, batch, { arithmetic, parameters, parameterAdjoints });
  const losses = plainTerms(graph).map((term) =>
    plainLoss(term, tape.value(plainLossNode(term)), batch, arithmetic),
  );
  losses.forEach(({ node, adjoints }, index) => {
    const weight = graph.losses[index]?.weight ?? 0;
    tape.addAdjoints(
      node,
      adjoints.map((value) => value * weight),
    );
  });
  tape.backward();
  return {
    gradients: graph.groups.map((name) => adjointsByGroup.get(name) as Float64Array),
    metrics: sums(
      graph,
      batch.samples,
      losses.map(({ sum }) => sum),
      undefined,
    ),
  };
}

/** Losses and metrics, as `metricNames`. */
export function plainEvaluate(model: Model, batch: PlainBatch, arithmetic: Arithmetic): Float64Array {
  const graph = plainGraph(model, batch.phase, batch.task);
  const value = plainForward(model, batch, arithmetic, [
    ...plainTerms(graph).map(plainLossNode),
    ...plainTerms(graph).map(plainMetricNode),
  ]);
  return sums(
    graph,
    batch.samples,
    plainTerms(graph).map((term) => plainLoss(term, value(plainLossNode(term)), batch, arithmetic).sum),
    plainTerms(graph).map((term) => plainMetric(term, value(plainMetricNode(term)), batch)),
  );
}

/** Values of these nodes. */
export function plainForward(
  model: Model,
  batch: PlainBatch,
  arithmetic: Arithmetic,
  nodes: readonly number[],
): (node: number) => Float64Array {
  const graph = plainGraph(model, batch.phase, batch.task);
  const parameters = (ref: ParameterRef): Float64Array => placed(model.layout, ref, batch.parameters);
  return forward(graph, nodes, batch, { arithmetic, parameters, parameterAdjoints: parameters }).value;
}

export function plainGraph(model: Model, phase: number, task: string): TaskGraph {
  const graph = model.phases[phase]?.tasks.find((candidate) => candidate.task === task);
  if (!graph) throw new RangeError(`the model has no task "${task}" in phase ${phase}`);
  return graph;
}

interface Tape {
  readonly value: (node: number) => Float64Array;
  readonly addAdjoints: (node: number, adjoints: Float64Array) => void;
  readonly backward: () => void;
}

interface TapeContext {
  readonly arithmetic: Arithmetic;
  readonly parameters: (ref: ParameterRef) => Float64Array;
  readonly parameterAdjoints: (ref: ParameterRef) => Float64Array;
}

function forward(
  graph: TaskGraph,
  targets: readonly number[],
  batch: PlainBatch,
  context: TapeContext,
): Tape {
  const wanted = new Set(targets);
  for (const node of [...graph.nodes].reverse())
    if (wanted.has(node.id)) nodesRead(node).forEach((id) => wanted.add(id));
  const values = new Map<number, Float64Array>();
  const adjoints = new Map<number, Float64Array>();
  const steps: { readonly node: number; readonly back: (adjoints: Float64Array) => void }[] = [];
  const value = (id: number): Float64Array => {
    const found = values.get(id);
    if (!found) throw new Error(`graph node ${id} is read before it is computed`);
    return found;
  };
  const addAdjoints = (id: number, more: Float64Array): void => {
    const known = adjoints.get(id);
    adjoints.set(id, known ? known.map((sum, i) => sum + (more[i] as number)) : more);
  };
  for (const node of graph.nodes) {
    if (!wanted.has(node.id)) continue;
    if (node.op === "input") {
      values.set(node.id, Float64Array.from(batch.x));
    } else if (node.op === "concat") {
      values.set(node.id, joinRows(node.from.map(value), batch.samples));
      steps.push({
        node: node.id,
        back: (all) =>
          splitRows(
            all,
            node.from.map((id) => value(id).length),
            batch.samples,
          ).forEach((part, i) => addAdjoints(node.from[i] as number, part)),
      });
    } else if (node.op !== "layer") {
      throw new Error(`the plain compute has no node of the kind "${node.op}"`);
    } else {
      const byRole = (of: (ref: ParameterRef) => Float64Array): ReadonlyMap<string, Float64Array> =>
        new Map(node.parameters.map((ref) => [ref.role, of(ref)]));
      const { output, backward } = applyPlainLayer({
        arithmetic: context.arithmetic,
        name: node.name,
        layer: node.layer,
        input: value(node.from),
        parameters: byRole(context.parameters),
        parameterAdjoints: byRole(context.parameterAdjoints),
      });
      values.set(node.id, output);
      steps.push({ node: node.id, back: (all) => addAdjoints(node.from, backward(all)) });
    }
  }
  return {
    value,
    addAdjoints,
    backward: () => {
      for (const { node, back } of steps.reverse()) {
        const all = adjoints.get(node);
        if (all) back(all);
      }
    },
  };
}

function joinRows(parts: readonly Float64Array[], samples: number): Float64Array {
  const rows = Array.from({ length: samples }, (_, sample) =>
    parts.flatMap((part) => {
      const width = part.length / samples;
      return [...part.subarray(sample * width, (sample + 1) * width)];
    }),
  );
  return Float64Array.from(rows.flat());
}

function splitRows(all: Float64Array, lengths: readonly number[], samples: number): readonly Float64Array[] {
  const width = all.length / samples;
  let at = 0;
  return lengths.map((length) => {
    const part = new Float64Array(length);
    const own = length / samples;
    for (let sample = 0; sample < samples; sample += 1)
      part.set(all.subarray(sample * width + at, sample * width + at + own), sample * own);
    at += own;
    return part;
  });
}

function sums(
  graph: TaskGraph,
  samples: number,
  losses: readonly number[],
  metrics: readonly number[] | undefined,
): Float64Array {
  const total = graph.losses.reduce((sum, term, index) => sum + term.weight * (losses[index] ?? 0), 0);
  const values = Float64Array.from([samples, total, ...losses, ...(metrics ?? losses.map(() => 0))]);
  if (values.length !== metricNames(graph).length) throw new Error("one sum is due per metric name");
  return values;
}

function groupOf(layout: ParameterLayout, name: string): ParameterLayout["groups"][number] {
  const group = layout.groups.find((candidate) => candidate.name === name);
  if (!group) throw new Error(`the layout has no group "${name}"`);
  return group;
}

function placed(layout: ParameterLayout, ref: ParameterRef, groups: readonly Float64Array[]): Float64Array {
  const values = groups[groupOf(layout, ref.group).index];
  if (!values) throw new Error(`no parameters were given for group "${ref.group}"`);
  return within(layout, ref, values);
}

/** The tensor's numbers in its group's array. */
function within(layout: ParameterLayout, ref: ParameterRef, values: Float64Array): Float64Array {
  const tensor = groupOf(layout, ref.group).tensors.find(({ name }) => name === ref.tensor);
  if (!tensor) throw new Error(`group "${ref.group}" has no tensor "${ref.tensor}"`);
  return values.subarray(tensor.offset, tensor.offset + tensor.numbers);
}
