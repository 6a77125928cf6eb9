import type { Arithmetic } from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import { learningRateAt } from "@latentweave/optim";
import { ownership, type ParameterLayout } from "@latentweave/parameters";
import {
  isOrdered,
  lastStep,
  mostStaleness,
  planApplied,
  planStep,
  rateShare,
  type RoundPlan,
  type RunSpec,
  slotMicroBatches,
  type StepPlan,
  type TaskRound,
} from "@latentweave/plan";
import type { CommitRecord, Deal, TaskRecord } from "@latentweave/protocol";
import { coverFault } from "./check-cover.ts";
import { isPaused, pauseFaults } from "./check-pauses.ts";

/** Compares commits with the plan, which is made again from the run's spec. */
export interface CommitCheck {
  /** Everything about a commit that is not as planned. @param deal of its step, where sampling is adaptive */
  faults(commit: CommitRecord, deal?: Deal): string[];
  /** As planned for the slots that it says were applied. */
  microBatches(commit: CommitRecord): number;
}

interface Expected {
  readonly round: RoundPlan;
  readonly task: TaskRound;
}

export function createCommitCheck(
  spec: RunSpec,
  layout: ParameterLayout,
  arithmetic: Pick<Arithmetic, "cos" | "pow">,
): CommitCheck {
  const owners = createOwners(layout);

  const checkTask = (
    commit: CommitRecord,
    plan: StepPlan,
    { round, task }: Expected,
    record: TaskRecord,
  ): string[] => {
    const faults: string[] = [];
    const where = `task "${task.task}"${round.program === "evaluate" ? ", evaluation" : ""}`;
    const say = (what: string): void => void faults.push(`${where}: ${what}`);
    for (const field of ["slots", "samples"] as const)
      if (record[field] !== task[field]) say(`${record[field]} ${field} recorded, ${task[field]} planned`);
    const graph = graphOf(spec, plan, task.task);
    const isOpen = round.program === "evaluate" || isPaused(commit, task.task);
    const all = metricNames(graph);
    // What is not finite is not recorded, and nobody but a paused task has such numbers.
    const names = (isOpen ? all.filter((name) => name in record.metrics) : all).join(", ");
    if (Object.keys(record.metrics).join(", ") !== names)
      say(`metrics ${Object.keys(record.metrics).join(", ")} recorded, ${names} planned`);
    const groups = new Set(round.program === "gradient" ? graph.groups : []);
    const shards = [0, ...owners(commit.shards, groups).filter((index) => index !== 0)];
    const recorded = record.shards.map(({ index }) => index);
    if (recorded.join() !== shards.join())
      say(`nodes recorded of shards ${recorded.join(", ") || "none"}, expected of ${shards.join(", ")}`);
    for (const { index, nodes } of record.shards) {
      const fault = coverFault(nodes, task.slots);
      if (fault !== undefined) say(`shard ${index}: ${fault}`);
    }
    return faults;
  };

  return {
    microBatches(commit) {
      if (commit.step > lastStep(spec)) return 0;
      const { rounds } = planStep(spec, commit.order?.planned ?? commit.step);
      return commit.tasks.reduce((sum, { round: index, slots, task }) => {
        const round = rounds[index];
        const isLeftOut = round?.update === true && isPaused(commit, task);
        return sum + (round && !isLeftOut ? slots * slotMicroBatches(spec, round) : 0);
      }, 0);
    },
    faults(commit, deal) {
      if (commit.step > lastStep(spec)) return [`the job has ${lastStep(spec) + 1} steps`];
      const fault = orderFault(spec, commit);
      if (fault !== undefined) return [fault];
      const { order } = commit;
      const plan = order
        ? planApplied(spec, commit.step, order.planned)
        : planStep(spec, commit.step, { deal });
      const share = rateShare(spec, commit.step - (order?.basis ?? commit.step));
      const updates = plan.rounds.some(({ update }) => update);
      const faults: string[] = [];
      const same = (what: string, found: unknown, expected: unknown): void => {
        if (found !== expected) faults.push(`${what} is ${String(found)}, planned is ${String(expected)}`);
      };
      same("the version after it", commit.version, updates ? commit.step + 1 : commit.step);
      same("its phase", commit.phase, spec.phases[plan.phase]?.name ?? "");
      same("the learning rate", commit.learningRate, updates ? rateOf(spec, plan, arithmetic) * share : 0);
      faults.push(...pauseFaults(spec, plan, commit));
      const expected = plan.rounds.flatMap((round) => round.tasks.map((task): Expected => ({ round, task })));
      const planned = expected.map(({ round, task }) => `${task.task} in round ${round.index}`).join("; ");
      const found = commit.tasks.map(({ task, round }) => `${task} in round ${round}`).join("; ");
      if (found !== planned) faults.push(`tasks recorded: ${found || "none"}; planned: ${planned || "none"}`);
      else
        for (const [place, entry] of expected.entries())
          faults.push(...checkTask(commit, plan, entry, commit.tasks[place] as TaskRecord));
      return faults;
    },
  };
}

/** Of modes with an order; that each planned step is there once shows over all commits (planned-once.ts). */
function orderFault(spec: RunSpec, { step, order }: CommitRecord): string | undefined {
  if (!isOrdered(spec))
    return order && `it says which planned step was applied, in a mode where that is no question`;
  if (!order) return "it does not say which planned step was applied";
  const { planned, basis } = order;
  if (planned > lastStep(spec)) return `planned step ${planned} is none of the job's ${lastStep(spec) + 1}`;
  if (basis > step) return `it was applied to version ${step}, and computed on version ${basis}`;
  if (planned === lastStep(spec) && spec.evaluation && step !== planned)
    return `the closing evaluation is recorded as step ${step}`;
  const most = mostStaleness(spec);
  if (step - basis > most)
    return `it was computed on version ${basis}, ${step - basis} before the one that it was applied to; the job allows ${most}`;
  return undefined;
}

function graphOf(spec: RunSpec, plan: StepPlan, task: string): TaskGraph {
  return spec.phases[plan.phase]?.graphs.find((graph) => graph.task === task) as TaskGraph;
}

function rateOf(spec: RunSpec, plan: StepPlan, arithmetic: Pick<Arithmetic, "cos" | "pow">): number {
  const steps = spec.phases[plan.phase]?.steps ?? 0;
  return learningRateAt(spec.schedule, spec.optimiser.learningRate, plan.phaseStep, steps, arithmetic);
}

/** Which of `shards` shards own part of a set of groups; remembered, since it is asked at every step. */
function createOwners(
  layout: ParameterLayout,
): (shards: number, groups: ReadonlySet<string>) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  return (shards, groups) => {
    const key = `${shards} ${[...groups].join("\0")}`;
    let found = known.get(key);
    if (!found) {
      found = ownership(layout, shards).flatMap((slices, index) =>
        slices.some(({ group }) => groups.has(layout.groups[group]?.name ?? "")) ? [index] : [],
      );
      known.set(key, found);
    }
    return found;
  };
}
