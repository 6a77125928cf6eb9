import type { PreparedRows } from "@latentweave/datasets";
import { type Compute, estimateNames, isHeadTerm, metricNames, type TaskGraph } from "@latentweave/model";
import { meanAveragePrecision } from "./average-precision.ts";
import type { HeadFigures } from "./head-figures.ts";
import { batchRows, inferRows } from "./infer-rows.ts";

/** What a model does on rows that it was not trained on. */
export interface Measured {
  readonly samples: number;
  /** Mean squared error per number of the reconstruction; null where the task reconstructs nothing. */
  readonly reconstructionError: number | null;
  /** Of a variational latent: how far its means and variances are from the prior, in nats. */
  readonly kl?: number;
  /** Where draws were asked for. */
  readonly likelihood?: Likelihood;
  /** By head; one none of whose labels is known here is left out. */
  readonly heads: Readonly<Record<string, HeadFigures>>;
}

/** In nats for each sample. */
export interface Likelihood {
  /** Importance-weighted estimate of −log p(x): at least that in expectation, the closer the more draws. */
  readonly negativeLogLikelihood: number;
  readonly negativeLowerBound: number;
  /** For each sample. */
  readonly draws: number;
}

export interface MeasuredPlace {
  readonly phase: number;
  readonly graph: TaskGraph;
  /** Numbers of one sample. */
  readonly width: number;
}

type MeasuredRows = PreparedRows & { readonly rows: number };

/** @param rows with targets wherever the task has heads; @param draws for the likelihood; without them it stays away */
export async function measureModel(
  compute: Compute,
  place: MeasuredPlace,
  rows: MeasuredRows,
  draws?: number,
): Promise<Measured> {
  const { graph } = place;
  const sums = await sumOver(compute, place, rows, { program: "evaluate" }, metricNames(graph));
  const mean = (name: string): number => (sums.get(name) ?? Number.NaN) / rows.rows;
  const reconstruction = graph.losses.find((term) => term.kind === "reconstruction");
  const kl = graph.losses.find((term) => term.kind === "kl");
  const likelihood =
    draws !== undefined && kl && reconstruction ? await estimate(compute, place, rows, draws) : undefined;
  return {
    samples: rows.rows,
    reconstructionError: reconstruction ? mean(`${reconstruction.name}.squaredError`) : null,
    ...(kl && { kl: mean(kl.name) }),
    ...(likelihood && { likelihood }),
    heads: await measureHeads(compute, place, rows, sums),
  };
}

async function measureHeads(
  compute: Compute,
  { phase, graph }: MeasuredPlace,
  rows: MeasuredRows,
  sums: ReadonlyMap<string, number>,
): Promise<Measured["heads"]> {
  const heads: Record<string, HeadFigures> = {};
  for (const term of graph.losses.filter(isHeadTerm)) {
    const sum = (metric: string): number => sums.get(`${term.name}.${metric}`) ?? Number.NaN;
    const labelled = term.labelled ? sum("labels") : rows.rows;
    if (labelled === 0) continue;
    switch (term.kind) {
      case "classification":
        heads[term.name] = { accuracy: sum("correct") / labelled };
        break;
      case "regression":
        heads[term.name] = { squaredError: sum("squaredError") / labelled };
        break;
      case "gaussian":
        heads[term.name] = {
          rmse: Math.sqrt(sum("squaredError") / labelled),
          negativeLogLikelihood: (sums.get(term.name) ?? Number.NaN) / labelled,
        };
        break;
      case "multiLabel": {
        const [right, wrong] = [sum("truePositives"), sum("falsePositives") + sum("falseNegatives")];
        const output = { phase, task: graph.task, output: term.name, numbers: term.labels };
        const scores = await inferRows(compute, output, rows);
        heads[term.name] = {
          f1: right + wrong === 0 ? null : (2 * right) / (2 * right + wrong),
          averagePrecision: meanAveragePrecision(scores, rows.y ?? [], term.labels),
        };
        break;
      }
    }
  }
  return heads;
}

async function estimate(
  compute: Compute,
  place: MeasuredPlace,
  rows: MeasuredRows,
  draws: number,
): Promise<Likelihood> {
  const sums = await sumOver(compute, place, rows, { program: "estimate", draws }, estimateNames);
  const mean = (name: (typeof estimateNames)[number]): number => (sums.get(name) ?? Number.NaN) / rows.rows;
  return {
    negativeLogLikelihood: mean("negativeLogLikelihood"),
    negativeLowerBound: mean("negativeLowerBound"),
    draws,
  };
}

async function sumOver(
  compute: Compute,
  { phase, graph, width }: MeasuredPlace,
  rows: MeasuredRows,
  what: { readonly program: "evaluate" } | { readonly program: "estimate"; readonly draws: number },
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>(names.map((name) => [name, 0]));
  const targetWidth = rows.y ? rows.y.length / rows.rows : 0;
  const columns = new Set(graph.losses.flatMap((term) => ("column" in term ? [term.column] : [])));
  for (let start = 0; start < rows.rows; start += batchRows) {
    const end = Math.min(rows.rows, start + batchRows);
    const targets = rows.y?.subarray(start * targetWidth, end * targetWidth);
    const { metrics } = await compute.run({
      ...what,
      ...{ phase, task: graph.task, step: 0, round: 0 },
      // Keys what is drawn, so that no two batches draw alike.
      slot: start / batchRows,
      samples: end - start,
      x: rows.x.subarray(start * width, end * width),
      columns: targets ? Object.fromEntries([...columns].map((column) => [column, targets])) : {},
    });
    for (const [index, name] of names.entries())
      sums.set(name, (sums.get(name) ?? 0) + (metrics[index] ?? Number.NaN));
  }
  return sums;
}
