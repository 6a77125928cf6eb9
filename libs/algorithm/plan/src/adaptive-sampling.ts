import { type Arithmetic, loadArithmetic } from "@latentweave/arithmetic";
import type { Deal } from "@latentweave/protocol";
import { besideBaselines } from "./evaluated-losses.ts";
import { type AdaptiveSpec, ownTasks, type RunSpec } from "./run-spec.ts";

/*
 * What each task has of a step follows from its loss on held-out rows, beside what it was at first (the training rate of
 * Chen et al., "GradNorm", ICML 2018) or, where a guard trains baselines, beside the same task alone (the dynamic sampling
 * of Gottumukkala et al., ACL 2020, who sample by the gap to it). A task has always the same slots; the rows of its
 * micro-batches change. So leases and trees stay, and who computes what has no part in it.
 */

/** What is remembered of it from evaluation to evaluation; plain data. */
export interface SamplingState {
  /** The losses of a phase's first evaluation, by task; absent before there was one. */
  readonly first?: { readonly phase: number; readonly losses: readonly (number | null)[] };
  /** The newest and the one before it, which the step before the newest one's is of. */
  readonly deals: readonly Deal[];
}

type Spec = Pick<RunSpec, "tasks"> & { readonly sampling: AdaptiveSpec };

export function beginSampling(spec: Spec): SamplingState {
  const tasks = ownTasks(spec);
  const rows = tasks.map(({ microBatch }) => microBatch);
  return { deals: [{ from: 0, shares: [...spec.sampling.shares], rows, read: tasks.map(() => 0) }] };
}

/** The deal of a step. @throws RangeError where it is before all that are known */
export function dealAt(deals: readonly Deal[], step: number): Deal {
  const deal = deals.find(({ from }) => from <= step);
  if (!deal) throw new RangeError(`what tasks have of step ${step} is not known any more`);
  return deal;
}

/**
 * Pure: what the steps after `step` train on. A task's share is its first one times q^strength, brought to a sum of 1,
 * where q is its loss over what it is held against, between 1/limit and limit; 1 where one of the two is not above 0 and
 * finite, for then their ratio says nothing.
 * @param losses mean losses of the step's evaluation in the spec's order (evaluatedLosses)
 */
export function dealAnew(
  spec: Spec,
  state: SamplingState,
  evaluated: {
    readonly step: number;
    readonly phase: number;
    readonly losses: readonly (number | undefined)[];
  },
  arithmetic: Pick<Arithmetic, "pow"> = loadArithmetic(),
): SamplingState {
  const { step, phase, losses } = evaluated;
  const { shares, strength, limit } = spec.sampling;
  const pairs = besideBaselines(spec, losses);
  const hasBaselines = spec.tasks.some(({ baselineOf }) => baselineOf !== undefined);
  const first =
    state.first?.phase === phase
      ? state.first
      : { phase, losses: pairs.map(({ loss }) => (Number.isFinite(loss) ? loss : null)) };
  const weights = pairs.map(({ loss, baseline }, task) => {
    const besides = hasBaselines ? baseline : (first.losses[task] ?? Number.NaN);
    const ratio = isAbove0(loss) && isAbove0(besides) ? loss / besides : 1;
    const bounded = Math.min(limit, Math.max(1 / limit, ratio));
    return (shares[task] as number) * arithmetic.pow(bounded, strength);
  });
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const next = weights.map((weight) => weight / all);
  const before = dealAt(state.deals, step);
  const from = step + 1;
  const deal: Deal = {
    ...{ from, shares: next },
    rows: ownTasks(spec).map(({ slots }, task) => rowsOf(spec.sampling, task, slots, next[task] as number)),
    read: before.read.map((read, task) => read + (from - before.from) * (before.rows[task] as number)),
  };
  return { first, deals: [deal, before] };
}

function isAbove0(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

/**
 * Devices prepare a program for each number of rows: a task has at most so many different ones, besides the few that a
 * smallest unit of one row allows.
 */
const mostSizes = 16;

/** Rows of a micro-batch that are nearest to a share of all samples. */
function rowsOf({ samples, most }: AdaptiveSpec, task: number, slots: number, share: number): number {
  return rowsNearest((samples * share) / slots, most[task] as number);
}

/** A multiple of a sixteenth of the most rows, one such unit at least and no more than the most. */
export function rowsNearest(wanted: number, most: number): number {
  const unit = Math.ceil(most / mostSizes);
  return unit * Math.min(Math.floor(most / unit), Math.max(1, Math.round(wanted / unit)));
}

/** The largest share that a task can come to, with its first one and this limit. */
export function mostShare(
  share: number,
  limit: number,
  strength: number,
  arithmetic: Pick<Arithmetic, "pow">,
): number {
  const factor = arithmetic.pow(limit, strength);
  return (share * factor) / (share * factor + (1 - share) / factor);
}
