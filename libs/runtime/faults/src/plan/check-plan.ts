import type { Fault, FaultPlan } from "./fault.ts";
import { didYouMean } from "./parse-plan.ts";
import { type PlanProblem, refusePlan } from "./problem.ts";
import { kindsWithMoment, momentsOf, roleOf, rolesFor, type TargetRole } from "./targets.ts";

/** What a plan is checked against. */
export interface RunShape {
  /** Steps are 0 ... steps − 1. */
  readonly steps: number;
  readonly workers: number;
  readonly shards: number;
  /** Shards are in the processes of the first workers. */
  readonly beside?: boolean;
  /** Every micro-batch is computed by somebody else as well (`audit.share` is 1). */
  readonly audited: boolean;
}

/**
 * Checks a plan against the run that it is for: processes, moments, steps.
 * @param file for messages
 * @throws UserError (exit code 2) with every problem found
 */
export function checkPlan(plan: FaultPlan, run: RunShape, file: string): void {
  const joins = plan.faults.filter((fault) => fault.do === "join");
  const problems = [
    ...hostProblems(plan, run),
    ...plan.faults.flatMap((fault, index) =>
      faultProblems(fault, plan, run, joins).map((problem) => ({
        ...problem,
        path: ["faults", index, ...problem.path],
      })),
    ),
  ];
  if (problems.length > 0) refusePlan(problems, file);
}

function hostProblems(plan: FaultPlan, run: RunShape): PlanProblem[] {
  const known = processNames(run);
  return Object.entries(plan.hosts).flatMap(([host, members]) =>
    members.flatMap((member, index) =>
      known.includes(member)
        ? besideProblems(["hosts", host, index], member, run)
        : [unknownProcess(["hosts", host, index], member, known)],
    ),
  );
}

/** What is in one process cannot be on two hosts. */
function besideProblems(path: readonly PropertyKey[], member: string, run: RunShape): PlanProblem[] {
  const shard = member.replace(/^worker-/, "shard-");
  if (run.beside !== true || roleOf(member) !== "worker" || !processNames(run).includes(shard)) return [];
  return [
    {
      path,
      what: `got "${member}", which has ${shard} in its process`,
      expected: run.workers > run.shards ? `worker-${run.shards} or a later one` : "a worker without a shard",
      mend: "name another, start more workers than shards, or leave placement beside out",
    },
  ];
}

function faultProblems(fault: Fault, plan: FaultPlan, run: RunShape, joins: readonly Fault[]): PlanProblem[] {
  return [
    ...targetProblems(fault, plan, run, joins),
    ...momentProblems(fault),
    ...(fault.at.step < run.steps
      ? []
      : [
          {
            path: ["at", "step"],
            what: `got ${fault.at.step}, which is beyond the run`,
            expected: `0 to ${run.steps - 1}: the run has ${run.steps} steps`,
            mend: "name an earlier step, or a longer run with --steps",
          },
        ]),
  ];
}

function targetProblems(
  fault: Fault,
  plan: FaultPlan,
  run: RunShape,
  joins: readonly Fault[],
): PlanProblem[] {
  const role = roleOf(fault.to);
  const started = processNames(run);
  const joined = joins.filter((join) => join.at.step <= fault.at.step).map((join) => join.to);
  const known = [...started, ...joined, ...Object.keys(plan.hosts), "any-worker", "everything"];
  if (role === undefined) return [unknownProcess(["to"], fault.to, known)];
  if (!rolesFor(fault.do).includes(role))
    return [
      {
        path: ["to"],
        what: `got "${fault.to}", which "${fault.do}" cannot be done to`,
        expected: expectedTargets(rolesFor(fault.do)),
      },
    ];
  if (fault.do === "join")
    return started.includes(fault.to) || fault.to === "any-worker"
      ? [
          {
            path: ["to"],
            what: `got "${fault.to}", which the run has from the start`,
            expected: `a new worker, such as worker-${run.workers}`,
            mend: 'name a new one, or let it come back with "rejoin"',
          },
        ]
      : [];
  return known.includes(fault.to) ? [] : [unknownProcess(["to"], fault.to, known)];
}

function momentProblems(fault: Fault): PlanProblem[] {
  const { moment } = fault.at;
  const role = roleOf(fault.to);
  if (moment === undefined || role === undefined) return [];
  const path = ["at", "moment"];
  if (!kindsWithMoment.includes(fault.do))
    return [
      {
        path,
        what: `"${fault.do}" is not done at a moment`,
        expected: `a moment only with ${kindsWithMoment.join(", ")}`,
        mend: "leave the moment out",
      },
    ];
  const known = momentsOf(fault.to);
  if ((known as readonly string[]).includes(moment)) return [];
  const mend = didYouMean(moment, known);
  return [
    {
      path,
      what: `got "${moment}", which is no moment of ${fault.to}`,
      expected: `one of ${known.join(", ")}`,
      ...(mend === undefined ? {} : { mend }),
    },
  ];
}

function unknownProcess(path: readonly PropertyKey[], name: string, known: readonly string[]): PlanProblem {
  const mend = didYouMean(name, known);
  return {
    path,
    what: `got "${name}", which is no process of this run`,
    expected: `one of ${known.join(", ")}`,
    ...(mend === undefined ? {} : { mend }),
  };
}

function processNames({ workers, shards }: RunShape): string[] {
  return [
    ...Array.from({ length: workers }, (_, index) => `worker-${index}`),
    ...Array.from({ length: shards }, (_, index) => `shard-${index}`),
    "coordinator",
  ];
}

const targetWords: Readonly<Record<TargetRole, string>> = {
  worker: "worker-0, worker-1, ..., any-worker",
  shard: "shard-0, shard-1, ...",
  coordinator: "coordinator",
  everything: "everything",
  host: "host-1, host-2, ...",
};

function expectedTargets(roles: readonly TargetRole[]): string {
  return `one of ${roles.map((role) => targetWords[role]).join(", ")}`;
}
