import type { Clock } from "@latentweave/protocol";
import type { MicroBatchMarks } from "./note-micro-batch.ts";
import type { MicroBatchRows } from "./row-source.ts";
import type { SlotPlace, SlotProgram, SlotResult } from "./slot-program.ts";
import type { StepWork, Todo } from "./step-work.ts";

/** A slot on its way through the device. */
export interface StartedSlot {
  readonly step: StepWork;
  readonly of: Todo;
  /** Its rows are there, or will never be needed. */
  readonly isRead: Promise<unknown>;
  /** Rejected where the device, or the reader of rows, failed. */
  readonly end: Promise<SlotEnd>;
}

/** When it went through, and what came of it. */
export interface SlotEnd extends MicroBatchMarks {
  /** Nobody wanted it any more before it was computed. */
  readonly wasLeft: boolean;
  readonly result: SlotResult | undefined;
}

export interface SlotSource {
  readonly clock: Clock;
  readonly program: SlotProgram;
  readonly beforeMicroBatch: (() => Promise<void>) | undefined;
  readonly beforeCompute: (() => void) | undefined;
  readonly mapped: () => Pick<SlotPlace, "mapped">;
  /** Whether its step is still the one to be computed. */
  readonly isCurrent: () => boolean;
  readonly isLeaving: () => boolean;
}

/**
 * Where rows that are there already are given and nothing makes the worker slow, the device has begun when this returns:
 * what the caller does next, it does beside it.
 */
export function startSlot(
  source: SlotSource,
  step: StepWork,
  of: Todo,
  given: MicroBatchRows | Promise<MicroBatchRows>,
): StartedSlot {
  const { clock, program, beforeMicroBatch, isCurrent } = source;
  const through = async (): Promise<SlotEnd> => {
    const pausedMs = clock.nowMs();
    if (beforeMicroBatch) await beforeMicroBatch();
    source.beforeCompute?.();
    const startedMs = clock.nowMs();
    const rows = given instanceof Promise ? await given : given;
    const readMs = clock.nowMs();
    const marks = { pausedMs, startedMs, readMs, computedMs: readMs, readBackMs: undefined };
    // Weights of another step may have come meanwhile.
    if (!isCurrent()) return { ...marks, wasLeft: true, result: undefined };
    const place = { plan: step.plan, ...of, ...source.mapped(), borrowed: true };
    const result = await program.run(place, rows, async () => {
      await beforeMicroBatch?.();
      return isCurrent() && !source.isLeaving();
    });
    const computedMs = clock.nowMs();
    return { ...marks, computedMs, readBackMs: result?.readBackMs, wasLeft: false, result };
  };
  const isRead = Promise.resolve(given).catch(() => undefined);
  const end = through();
  // Awaited later; a failure meanwhile must not count as unhandled.
  end.catch(() => undefined);
  return { step, of, isRead, end };
}
