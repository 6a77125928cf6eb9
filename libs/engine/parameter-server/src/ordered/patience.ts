/** Below this nothing is called overdue: as long as a garbage collection and a busy core may take together. */
const floorMs = 200;
/** A planned step may take this much longer than the median one before others stop waiting for it. */
const patience = 1.5;
/** Before anything is called overdue: the first ones warm kernels and caches up. */
const leastSteps = 5;
/** The median is taken over these: enough to bear a few hiccups, few enough to follow a change of workers. */
const keptSteps = 31;

/**
 * How long planned steps take from when they are handed out to when they are whole, and how long one may. Measured per
 * planned sample: evaluations differ from steps.
 */
export interface Patience {
  took(ms: number, samples: number): void;
  /** Doubled with every time that the same step was given up, so that in the end it is waited for; undefined: for ever. */
  mostMs(samples: number, givenUp: number): number | undefined;
}

export function createPatience(): Patience {
  const rates: number[] = [];
  return {
    took(ms, samples) {
      rates.push(ms / Math.max(1, samples));
      if (rates.length > keptSteps) rates.shift();
    },
    mostMs(samples, givenUp) {
      if (rates.length < leastSteps) return undefined;
      const median = [...rates].sort((a, b) => a - b)[rates.length >> 1] as number;
      return (patience * median * samples + floorMs) * (1 << Math.min(givenUp, 16));
    },
  };
}
