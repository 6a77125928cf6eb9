import type { MicroBatchRows, RowSource } from "./row-source.ts";
import type { StepWork, Todo } from "./step-work.ts";

/** What will be computed next is read while something else is computed. */
export interface RowsAhead {
  /** From now on these are read, if any, in place of what was before. */
  readAhead(step: StepWork, of: Todo | undefined): void;
  /** Those that are read ahead, or read now. */
  read(step: StepWork, of: Todo): Promise<MicroBatchRows>;
  /** Those that were read ahead, once they are there. */
  there(of: Todo): MicroBatchRows | undefined;
}

interface Reading {
  readonly of: Todo;
  readonly rows: Promise<MicroBatchRows>;
  there?: MicroBatchRows;
}

export function createRowsAhead(source: RowSource): RowsAhead {
  let ahead: Reading | undefined;

  const start = (step: StepWork, of: Todo): Reading => {
    const { round, task, slot } = of;
    const reading: Reading = { of, rows: source.read(step.plan, round, task, slot) };
    // Awaited later; a failure meanwhile must not count as unhandled.
    reading.rows.then(
      (rows) => void (reading.there = rows),
      () => undefined,
    );
    return reading;
  };
  const found = (of: Todo): Reading | undefined =>
    ahead?.of.partials === of.partials && ahead.of.slot === of.slot ? ahead : undefined;

  return {
    readAhead(step, of) {
      ahead = of && start(step, of);
    },
    read: (step, of) => (found(of) ?? start(step, of)).rows,
    there: (of) => found(of)?.there,
  };
}
