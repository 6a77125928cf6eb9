import { nodeRange } from "@latentweave/aggregation";
import { readCommits } from "@latentweave/checkpoint";
import {
  earlyEnd,
  lastStep,
  planStep,
  type RoundPlan,
  type RunSpec,
  slotSamples,
  type TaskRound,
} from "@latentweave/plan";
import type { CommitRecord, Deal, TaskRecord } from "@latentweave/protocol";

/** What a run's record says it applied, held against what was planned. */
export interface AppliedSamples {
  readonly planned: number;
  readonly applied: number;
  /** Planned, and in no commit. */
  readonly lost: number;
  /** In more than one commit, or more than once in one. */
  readonly appliedTwice: number;
  /** What does not match, in words; the first few. */
  readonly problems: readonly string[];
  /** Contributions that were dropped as duplicates, by the step whose record counts them. */
  readonly duplicates: ReadonlyMap<number, number>;
}

const mostProblems = 10;

/** @throws LedgerError where the chain of the record is broken */
export async function checkLedger(file: string, runId: string, spec: RunSpec): Promise<AppliedSamples> {
  const records: CommitRecord[] = [];
  for await (const { record } of readCommits(file, runId)) records.push(record);
  return checkRecords(records, spec);
}

/** @param records commits in effect */
export function checkRecords(records: readonly CommitRecord[], spec: RunSpec): AppliedSamples {
  const byStep = new Map<number, CommitRecord[]>();
  for (const record of records) byStep.set(record.step, [...(byStep.get(record.step) ?? []), record]);
  const tally = { planned: 0, applied: 0, lost: 0, appliedTwice: 0 };
  const problems: string[] = [];
  const ends = earlyEnd(spec);
  let isOver = false;
  let deal: Deal | undefined;
  for (let step = 0; step <= lastStep(spec) && !isOver; step++) {
    const made = byStep.get(step) ?? [];
    byStep.delete(step);
    if (made.length !== 1) problems.push(`step ${step} is committed ${made.length} times`);
    for (const round of planStep(spec, step, { deal }).rounds)
      for (const task of round.tasks)
        countTask(
          tally,
          made.flatMap(({ tasks }) => tasksOf(tasks, round, task)),
          spec,
          round,
          task,
        );
    deal = made[0]?.deal ?? deal;
    isOver = made[0] !== undefined && ends?.(made[0]) === true;
  }
  for (const step of byStep.keys()) problems.push(`step ${step} is committed and was never planned`);
  return {
    ...tally,
    problems: problems.slice(0, mostProblems),
    duplicates: new Map(records.map(({ step, duplicates }) => [step, duplicates])),
  };
}

function tasksOf(records: readonly TaskRecord[], round: RoundPlan, task: TaskRound): readonly TaskRecord[] {
  return records.filter((record) => record.task === task.task && record.round === round.index);
}

function countTask(
  tally: { planned: number; applied: number; lost: number; appliedTwice: number },
  records: readonly TaskRecord[],
  spec: RunSpec,
  round: RoundPlan,
  task: TaskRound,
): void {
  // Each shard adds the gradients of its own parameters: a sample must be in every one of them.
  const perShard = new Map<number, number[]>();
  for (const { shards } of records)
    for (const { index, nodes } of shards) {
      const times = perShard.get(index) ?? new Array<number>(task.slots).fill(0);
      perShard.set(index, times);
      for (const [level, position] of nodes) {
        const { start, end } = nodeRange({ level, index: position }, task.slots);
        for (let slot = start; slot < end; slot++) times[slot] = (times[slot] ?? 0) + 1;
      }
    }
  for (let slot = 0; slot < task.slots; slot++) {
    const counts = [...perShard.values()].map((times) => times[slot] ?? 0);
    const samples = slotSamples(spec, round, task, slot);
    tally.planned += samples;
    const fewest = counts.length === 0 ? 0 : Math.min(...counts);
    if (fewest === 0) tally.lost += samples;
    else tally.applied += samples;
    tally.appliedTwice += samples * Math.max(0, Math.max(0, ...counts) - 1);
  }
}
