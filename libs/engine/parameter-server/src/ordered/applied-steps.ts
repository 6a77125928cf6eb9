/**
 * Which planned steps the weights hold, of the modes with an order: all below `next` but for `missing`. It is part of
 * what the leader remembers from step to step, and goes wherever the combiner's state goes: into its memory before
 * anybody hears of a commit, into checkpoints and recovery points.
 */
export interface AppliedSteps {
  readonly next: number;
  /** In ascending order. */
  readonly missing: readonly number[];
}

export const noSteps: AppliedSteps = { next: 0, missing: [] };

export function isApplied({ next, missing }: AppliedSteps, planned: number): boolean {
  return planned < next && !missing.includes(planned);
}

/** @throws RangeError when it is applied already: no planned step ever is a second time */
export function withApplied(applied: AppliedSteps, planned: number): AppliedSteps {
  if (isApplied(applied, planned)) throw new RangeError(`planned step ${planned} is applied already`);
  const { next, missing } = applied;
  if (planned < next) return { next, missing: missing.filter((other) => other !== planned) };
  const passed = Array.from({ length: planned - next }, (_, place) => next + place);
  return { next: planned + 1, missing: [...missing, ...passed] };
}

/** What the leader remembers, as JSON text: this, and the combiner's own state. */
export interface Remembered {
  readonly applied: AppliedSteps;
  readonly combiner: string | undefined;
}

export function encodeRemembered({ applied, combiner }: Remembered): string {
  return JSON.stringify({
    applied: { next: applied.next, missing: applied.missing },
    ...(combiner !== undefined && { combiner: JSON.parse(combiner) as unknown }),
  });
}

export function readRemembered(text: string | undefined): Remembered {
  if (text === undefined) return { applied: noSteps, combiner: undefined };
  const { applied, combiner } = JSON.parse(text) as { applied: AppliedSteps; combiner?: unknown };
  return { applied, combiner: combiner === undefined ? undefined : JSON.stringify(combiner) };
}
