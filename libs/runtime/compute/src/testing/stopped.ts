/**
 * What gradients are stopped at, held still: taken in the first call with an empty one, and kept in those that differ by
 * a step for the slope.
 */
export interface Stopped {
  /** Of quantised latents, by sample. */
  readonly quantised: Map<number, QuantisedVectors>;
  /** Of values that are detached, by sample and node. */
  readonly detached: Map<string, readonly number[]>;
  /** Of tensors where they are frozen, by name. */
  readonly frozen: Map<string, readonly number[]>;
}

export interface QuantisedVectors {
  readonly encoded: readonly number[];
  readonly codes: readonly number[];
  readonly chosen: readonly number[];
}

export function nothingStopped(): Stopped {
  return { quantised: new Map(), detached: new Map(), frozen: new Map() };
}

/** As they were when they were first asked for. */
export function still(
  known: Map<string, readonly number[]>,
  key: string,
  values: readonly number[],
): readonly number[] {
  const found = known.get(key) ?? [...values];
  known.set(key, found);
  return found;
}
