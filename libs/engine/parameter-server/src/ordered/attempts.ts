import { createStepReduction, type StepReduction } from "@latentweave/aggregation";
import { planStep, type StepPlan } from "@latentweave/plan";
import type { Work } from "@latentweave/protocol";
import type { Received } from "../leader.ts";
import type { BlockProducts } from "../products.ts";
import type { Training } from "../training.ts";

/** What a shard reports of a planned step that is whole there. */
export interface Report {
  readonly finite: boolean;
  readonly products: readonly BlockProducts[];
  readonly received: Received;
}

/** A planned step that is computed on one version: what has arrived of it here. */
export interface Attempt extends Work {
  readonly plan: StepPlan;
  readonly reduction: StepReduction;
  readonly startedMs: number;
  /** This shard's own, once all of its gradient slices are here. */
  own: Report | undefined;
  /** Leader: of every shard that has reported, its own too. */
  readonly reports: Map<number, Report>;
}

/** All that this shard takes gradients of. */
export interface Attempts {
  readonly all: readonly Attempt[];
  find(work: { readonly planned: number; readonly basis?: number | undefined }): Attempt | undefined;
  /** Opens what is new among these and forgets everything else. @returns what is new */
  keep(work: readonly Work[], nowMs: number): readonly Work[];
  /** It was applied: everything of its planned step goes. */
  applied(planned: number): void;
  clear(): void;
}

export function createAttempts(training: Training, leads: boolean): Attempts {
  const { arithmetic, spec, layout, state } = training;
  let all: Attempt[] = [];
  const find: Attempts["find"] = ({ planned, basis }) =>
    all.find((attempt) => attempt.planned === planned && attempt.basis === basis);
  const only = (isKept: (attempt: Attempt) => boolean): void => {
    for (const attempt of all) if (!isKept(attempt)) attempt.reduction.release();
    all = all.filter(isKept);
  };
  const open = ({ planned, basis }: Work, nowMs: number): void => {
    const plan = planStep(spec, planned);
    const reduction = createStepReduction({
      ...{ arithmetic, spec, layout, plan },
      owned: state.slices,
      leader: leads,
    });
    all.push({ planned, basis, plan, reduction, startedMs: nowMs, own: undefined, reports: new Map() });
  };
  return {
    get all() {
      return all;
    },
    find,
    keep(work, nowMs) {
      only(({ planned, basis }) => work.some((one) => one.planned === planned && one.basis === basis));
      const opened = work.filter((one) => !find(one));
      for (const one of opened) open(one, nowMs);
      return opened;
    },
    applied: (planned) => only((attempt) => attempt.planned !== planned),
    clear: () => only(() => false),
  };
}
