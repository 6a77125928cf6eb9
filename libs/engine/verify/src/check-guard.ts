import { beginGuard, type GuardState, judge } from "@latentweave/multitask";
import {
  besideBaselines,
  evaluatedLosses,
  lastStep,
  ownTasks,
  planStep,
  type RunSpec,
} from "@latentweave/plan";
import type { CommitRecord, TimelineRecord } from "@latentweave/protocol";

/** Whether the guard decided what follows from the losses that the record has. */
export interface GuardCheck {
  /** In the order of the record. */
  note(commit: CommitRecord): string | undefined;
  begin(timeline: Pick<TimelineRecord, "fromVersion">): void;
}

export function createGuardCheck(spec: RunSpec): GuardCheck {
  const { guard: rule } = spec;
  const first = beginGuard(ownTasks(spec).length);
  /** After each evaluation of the timeline, in order. */
  let states: { readonly step: number; readonly state: GuardState }[] = [];
  return {
    note({ step, tasks, guard: recorded = [] }) {
      if (!rule) return recorded.length > 0 ? "decisions of a guard that the job has not" : undefined;
      // That there is no such step is said elsewhere.
      if (step > lastStep(spec)) return undefined;
      const plan = planStep(spec, step);
      const losses = evaluatedLosses(spec, plan, tasks);
      const before = states.at(-1)?.state ?? first;
      const at = losses && { step, last: plan.last, losses: besideBaselines(spec, losses) };
      const { state, decisions } = at ? judge(rule, before, at) : { state: before, decisions: [] };
      if (at) states.push({ step, state });
      const expected = decisions.map(({ task, ...rest }) => ({ task: spec.tasks[task]?.name, ...rest }));
      const [said, due] = [JSON.stringify(recorded), JSON.stringify(expected)];
      return said === due
        ? undefined
        : `the guard is recorded to have decided ${said}, by the losses it is ${due}`;
    },
    begin({ fromVersion }) {
      states = states.filter(({ step }) => step < fromVersion);
    },
  };
}
