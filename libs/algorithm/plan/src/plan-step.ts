import type { Deal } from "@latentweave/protocol";
import { innerSteps } from "./mode.ts";
import type { RunSpec } from "./run-spec.ts";

/**
 * What may change the plan while a run goes on. It changes only by committed results, is part of every checkpoint and
 * of the ledger, so that the plan of any step can be made again.
 */
export interface Control {
  /** Where sampling is adaptive: what is dealt in the step; what the job begins with where it is not given. */
  readonly deal?: Deal | undefined;
}

/** A task's part of a round: M slots, each one micro-batch, or as many as the mode has inner steps. */
export interface TaskRound {
  readonly task: string;
  readonly taskIndex: number;
  readonly slots: number;
  /** Sum over slots. */
  readonly samples: number;
  /** Of a micro-batch; the last one of an evaluation may have fewer. */
  readonly rows: number;
  /** Rows that each of the slots has read in the gradient rounds of the steps before. */
  readonly read: number;
}

export interface RoundPlan {
  readonly index: number;
  readonly program: "gradient" | "evaluate";
  /** The round ends in new weights; workers wait for the broadcast that follows. Only the last round of a step can. */
  readonly update: boolean;
  readonly tasks: readonly TaskRound[];
}

/** One step: rounds in order, all on the weights of version `step`. */
export interface StepPlan {
  readonly step: number;
  readonly phase: number;
  /** Steps taken in this phase before this one. */
  readonly phaseStep: number;
  readonly rounds: readonly RoundPlan[];
  /** The commit is to be followed by a checkpoint of the version it makes. */
  readonly checkpoint: boolean;
  /** No step follows. */
  readonly last: boolean;
}

export function totalSteps(spec: Pick<RunSpec, "phases">): number {
  return spec.phases.reduce((sum, phase) => sum + phase.steps, 0);
}

/**
 * The plan of a step: a pure function of the run, the step and `control`. Steps 0..N−1 update; step N, where the job
 * evaluates, is the closing evaluation of the final weights and updates nothing.
 */
export function planStep(spec: RunSpec, step: number, control: Control = {}): StepPlan {
  const total = totalSteps(spec);
  if (!Number.isSafeInteger(step) || step < 0 || step > lastStep(spec))
    throw new RangeError(`step ${step} is not one of this run's 0..${lastStep(spec)}`);
  const { phase, phaseStep } = phaseAt(spec, step);
  const rounds: RoundPlan[] = [];
  if (evaluatesAt(spec, step))
    rounds.push({ index: 0, program: "evaluate", update: false, tasks: evaluationTasks(spec) });
  if (step < total) {
    rounds.push({
      index: rounds.length,
      program: "gradient",
      update: true,
      tasks: gradientTasks(spec, phase, step, control),
    });
  }
  const version = Math.min(step + 1, total);
  const last = step === lastStep(spec);
  const every = spec.checkpointEverySteps;
  // The closing evaluation makes no version: what it would checkpoint, the step before has.
  const isDue = every > 0 && version % every === 0;
  const isKept = spec.keepBest === true && evaluatesAt(spec, version);
  const checkpoint = step < total && (version === total || isDue || isKept);
  return { step, phase, phaseStep, rounds, checkpoint, last };
}

/** The number of the run's last step: N where a closing evaluation follows the N updates, else N−1. */
export function lastStep(spec: RunSpec): number {
  return spec.evaluation ? totalSteps(spec) : totalSteps(spec) - 1;
}

/**
 * Samples of each task that the steps before `version` train on, where no task is paused.
 * @param control of step `version`; where something is dealt anew, all tasks train in all phases
 */
export function samplesBefore(
  spec: RunSpec,
  version: number,
  control: Control = {},
): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  if (control.deal) {
    for (const { task, slots, read } of gradientTasks(spec, 0, version, control))
      samples.set(task, slots * read);
    return samples;
  }
  let rest = version;
  for (const [phase, { steps }] of spec.phases.entries()) {
    const made = Math.min(rest, steps);
    rest -= made;
    for (const task of gradientTasks(spec, phase, 0, control))
      samples.set(task.task, (samples.get(task.task) ?? 0) + made * task.samples);
  }
  return samples;
}

/** The next version above this one of which a checkpoint is due; undefined behind the last. */
export function nextCheckpoint(spec: RunSpec, version: number): number | undefined {
  const total = totalSteps(spec);
  if (version >= total) return undefined;
  const nextOf = (every: number): number => (Math.floor(version / every) + 1) * every;
  const due = spec.checkpointEverySteps > 0 ? [nextOf(spec.checkpointEverySteps)] : [];
  const kept = spec.keepBest === true && spec.evaluation ? [nextOf(spec.evaluation.everySteps)] : [];
  return Math.min(total, ...due, ...kept);
}

function evaluatesAt(spec: RunSpec, step: number): boolean {
  if (!spec.evaluation || step === 0) return false;
  return step === totalSteps(spec) || step % spec.evaluation.everySteps === 0;
}

function phaseAt(spec: RunSpec, step: number): { phase: number; phaseStep: number } {
  let before = 0;
  for (const [phase, { steps }] of spec.phases.entries()) {
    if (step < before + steps || phase === spec.phases.length - 1) return { phase, phaseStep: step - before };
    before += steps;
  }
  throw new RangeError("a run needs at least one phase");
}

function gradientTasks(spec: RunSpec, phase: number, step: number, { deal }: Control): TaskRound[] {
  const graphs = spec.phases[phase]?.graphs ?? [];
  const batches = innerSteps(spec);
  return spec.tasks.flatMap(({ name, baselineOf, microBatch, slots }, taskIndex) => {
    if (!graphs.some((graph) => graph.task === name)) return [];
    const own =
      baselineOf === undefined ? taskIndex : spec.tasks.findIndex((task) => task.name === baselineOf);
    const rows = deal?.rows[own] ?? microBatch;
    const read = (deal?.read[own] ?? 0) + (step - (deal?.from ?? 0)) * rows * batches;
    return [{ task: name, taskIndex, slots, samples: slots * rows * batches, rows, read }];
  });
}

function evaluationTasks(spec: RunSpec): TaskRound[] {
  return spec.tasks.flatMap((task, taskIndex) => {
    const samples = task.evaluationShardRows.reduce((sum, rows) => sum + rows, 0);
    const rows = spec.evaluation?.microBatch ?? samples;
    return samples === 0
      ? []
      : [{ task: task.name, taskIndex, slots: Math.ceil(samples / rows), samples, rows, read: 0 }];
  });
}
