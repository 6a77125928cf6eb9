import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import type { Clock, Lease } from "@latentweave/protocol";
import type { PreparedRun } from "./prepare-run.ts";
import type { Rows } from "./row-source.ts";
import type { ShardLinks } from "./shard-links.ts";
import { openStepWork, type PushTarget, type StepWork, type Todo } from "./step-work.ts";

type Read = Promise<Rows & { readonly samples: number }>;

/** What a worker may compute: told by the coordinator, and again whenever it changes. */
export interface Assigned {
  readonly quorumId: number;
  readonly leases: readonly Lease[];
}

/**
 * Computes what is leased, micro-batch after micro-batch, and sleeps while there is nothing to do.
 *
 * Invariant 3 of the worker: one computation at a time, in the order of the plan; data for the next is read meanwhile.
 */
export interface ComputeLoop {
  /** Until `stop`, or until `isLeaving` says so between two micro-batches. */
  run(): Promise<void>;
  /** Something has changed: look again. */
  wake(): void;
  stop(): void;
  /** The shard may have lost what it was sent; everything held goes out to it again. */
  resend(shards: readonly number[]): void;
}

export function createComputeLoop(options: {
  readonly runId: string;
  readonly prepared: PreparedRun;
  readonly links: () => ShardLinks | undefined;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly compute: Compute;
  readonly beforeMicroBatch: (() => Promise<void>) | undefined;
  readonly assigned: () => Assigned | undefined;
  readonly isLeaving: () => boolean;
  readonly onStepDone: (report: NonNullable<ReturnType<StepWork["takeReport"]>>) => void;
}): ComputeLoop {
  const { runId, prepared, arithmetic, clock, compute } = options;
  const { source } = prepared;
  let work: StepWork | undefined;
  let over = false;
  let wake: () => void = () => undefined;

  const currentStep = (): number | undefined => {
    const assigned = options.assigned();
    return assigned && options.links()?.agreedStep(assigned.quorumId);
  };

  const target = (): PushTarget => ({
    runId,
    quorumId: options.assigned()?.quorumId ?? 0,
    shards: options.links()?.open() ?? [],
  });

  /** Everything held and not yet sent, whatever the lease: after a change of lease, or when the step's work is done. */
  const flush = (): void => {
    if (work && currentStep() === work.plan.step) work.push(target());
  };

  const stepDone = (done: StepWork): void => {
    const report = done.takeReport();
    flush();
    if (report) options.onStepDone(report);
  };

  const startRead = (step: StepWork, { round, task, slot }: Todo): Read => {
    const rows = source.read(step.plan, round, task, slot);
    // Awaited later; a failure meanwhile must not count as unhandled.
    rows.catch(() => undefined);
    return rows;
  };

  let ahead: { readonly of: Todo; readonly rows: Read } | undefined;

  const computeOne = async (step: StepWork, next: Todo, after: Todo | undefined): Promise<void> => {
    await options.beforeMicroBatch?.();
    const sameRead = ahead?.of.partials === next.partials && ahead.of.slot === next.slot;
    const startedMs = clock.nowMs();
    const rows = await (sameRead && ahead ? ahead.rows : startRead(step, next));
    const readMs = clock.nowMs();
    ahead = after && { of: after, rows: startRead(step, after) };
    const result = await compute.run({
      program: next.round.program,
      phase: step.plan.phase,
      step: step.plan.step,
      round: next.round.index,
      task: next.task.task,
      slot: next.slot,
      samples: rows.samples,
      x: rows.x,
      columns: rows.columns,
    });
    const computedMs = clock.nowMs();
    step.addTime("data", readMs - startedMs);
    step.addTime("compute", computedMs - readMs);
    // A step that ended meanwhile (another worker was faster) has released its reducers: the result is not needed.
    if (work !== step || currentStep() !== step.plan.step) return;
    step.add(next, result, rows.samples);
    const addedMs = clock.nowMs();
    step.addTime("reduce", addedMs - computedMs);
    step.push(target(), options.assigned()?.leases ?? [], next.partials);
    step.addTime("push", clock.nowMs() - addedMs);
  };

  return {
    async run() {
      let idleSinceMs = clock.nowMs();
      while (!over) {
        const step = currentStep();
        const leases = options.assigned()?.leases ?? [];
        if (step !== undefined && work?.plan.step !== step) {
          work?.release();
          work = openStepWork(prepared, arithmetic, step);
          work.addTime("wait", clock.nowMs() - idleSinceMs);
          work.prefetch(source, leases);
        }
        if (options.isLeaving()) return;
        const [next, after] = step === undefined || !work ? [] : work.todo(leases);
        if (next && work) {
          await computeOne(work, next, after);
          continue;
        }
        if (work && step !== undefined) stepDone(work);
        idleSinceMs = clock.nowMs();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    wake: () => wake(),
    stop() {
      over = true;
      wake();
    },
    resend(shards) {
      for (const shard of shards) work?.forgetSent(shard);
      flush();
    },
  };
}
