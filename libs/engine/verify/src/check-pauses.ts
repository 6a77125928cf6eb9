import { type RunSpec, type StepPlan } from "@latentweave/plan";
import type { CommitRecord, PausedTask, TimelineRecord } from "@latentweave/protocol";

/** Whether the task's contributions to this step were left out. */
export function isPaused({ paused = [] }: CommitRecord, task: string): boolean {
  return paused.some((one) => one.task === task);
}

/** What one commit says of pauses, against the job. Whether the numbers were not finite shows when they are computed again. */
export function pauseFaults(spec: RunSpec, plan: StepPlan, { paused = [] }: CommitRecord): string[] {
  if (paused.length === 0) return [];
  const { pauseNotFinite } = spec;
  if (!pauseNotFinite) return ["tasks are left out, in a job that pauses none"];
  const planned = plan.rounds.at(-1)?.tasks.map(({ task }) => task) ?? [];
  const faults: string[] = [];
  if (paused.length >= planned.length) faults.push("all tasks are left out");
  for (const { task, since, until } of paused) {
    if (!planned.includes(task)) faults.push(`task "${task}" is left out, and has no part in the step`);
    const end = pauseNotFinite.retryAfterSteps > 0 ? since + pauseNotFinite.retryAfterSteps : null;
    if (until !== end)
      faults.push(
        `task "${task}" is paused from step ${since} until ${until ?? "the end"}, the job says until ${end ?? "the end"}`,
      );
    if (since > plan.step || (end !== null && plan.step >= end))
      faults.push(`task "${task}" is left out, by a pause from step ${since} until ${end ?? "the end"}`);
  }
  return faults;
}

/** Over all commits: a pause that has begun goes on to its end. */
export interface PauseOrder {
  /** @returns what is wrong, or undefined */
  note(commit: CommitRecord): string | undefined;
  begin(timeline: TimelineRecord): void;
}

export function createPauseOrder(): PauseOrder {
  const begun = new Map<string, PausedTask[]>();
  const at = (task: string, step: number): PausedTask | undefined =>
    begun.get(task)?.findLast(({ since, until }) => since <= step && (until === null || step < until));
  return {
    note({ step, version, tasks, paused = [] }) {
      // A step that only evaluates applies nothing.
      if (version === step) return undefined;
      const lastRound = Math.max(...tasks.map(({ round }) => round));
      for (const { task } of tasks.filter(({ round }) => round === lastRound)) {
        const pause = paused.find((one) => one.task === task);
        const before = at(task, step);
        if (pause && pause.since === step && !before) begun.set(task, [...(begun.get(task) ?? []), pause]);
        else if (pause?.since !== before?.since)
          return pause
            ? `task "${task}" is left out by a pause that began in step ${pause.since}, of which there is no record`
            : `task "${task}" takes part, in the middle of the pause that began in step ${before?.since}`;
      }
      return undefined;
    },
    begin({ fromVersion }) {
      for (const [task, pauses] of begun)
        begun.set(
          task,
          pauses.filter(({ since }) => since < fromVersion),
        );
    },
  };
}
