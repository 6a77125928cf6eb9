import {
  beginSampling,
  dealAnew,
  dealAt,
  evaluatedLosses,
  lastStep,
  planStep,
  type RunSpec,
  type SamplingState,
} from "@latentweave/plan";
import type { CommitRecord, Deal, TimelineRecord } from "@latentweave/protocol";

/** Where sampling is adaptive: whether what tasks have follows from the losses that the record has. */
export interface DealCheck {
  /** What each task has of a step, by the record before it; undefined where that is the same in every step. */
  at(step: number): Deal | undefined;
  /** In the order of the record. */
  note(commit: CommitRecord): string | undefined;
  begin(timeline: Pick<TimelineRecord, "fromVersion">): void;
}

export function createDealCheck(spec: RunSpec): DealCheck {
  const sampled = spec.sampling && { ...spec, sampling: spec.sampling };
  /** At the beginning, and after each evaluation of the timeline, in order. */
  let states: { readonly step: number; readonly state: SamplingState }[] = sampled
    ? [{ step: -1, state: beginSampling(sampled) }]
    : [];
  const newest = (): SamplingState | undefined => states.at(-1)?.state;
  return {
    at(step) {
      const state = newest();
      return state && dealAt(state.deals, step);
    },
    note({ step, tasks, deal: recorded }) {
      const state = newest();
      if (!sampled || !state) return recorded && "a deal, in a job where every step has the same samples";
      // That there is no such step is said elsewhere.
      if (step > lastStep(spec)) return undefined;
      const plan = planStep(spec, step);
      const losses = plan.last ? undefined : evaluatedLosses(spec, plan, tasks);
      const due = losses && dealAnew(sampled, state, { ...plan, losses });
      if (due) states.push({ step, state: due });
      const [said, expected] = [textOf(recorded), textOf(due?.deals[0])];
      return said === expected
        ? undefined
        : `it is recorded that tasks have ${said}, by the losses it is ${expected}`;
    },
    begin({ fromVersion }) {
      states = states.filter(({ step }) => step < fromVersion);
    },
  };
}

function textOf(deal: Deal | undefined): string {
  return deal ? JSON.stringify(deal) : "what they had";
}
