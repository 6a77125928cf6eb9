import type { RunSnapshot } from "./run-snapshot.ts";

/** Follows how stale steps are, in the modes `stale` and `async`. */
export interface StalenessTally {
  /** A step: its staleness in versions, and how many planned steps were given up since the one before. */
  add(staleness: number, givenUp: number): void;
  /** Undefined before the first step. */
  readonly summary: RunSnapshot["staleness"];
}

/** Enough for a mean, few enough to follow the cluster. */
const newestSteps = 100;

export function createStalenessTally(): StalenessTally {
  const newest: number[] = [];
  let all = 0;
  return {
    add(staleness, givenUp) {
      newest.push(staleness);
      if (newest.length > newestSteps) newest.shift();
      all += givenUp;
    },
    get summary() {
      if (newest.length === 0) return undefined;
      const sum = newest.reduce((before, one) => before + one, 0);
      return { mean: sum / newest.length, max: Math.max(...newest), givenUp: all };
    },
  };
}
