import type { PlantedBug } from "../planted/planted-bug.ts";

export interface Limits {
  readonly limitMs: number;
  readonly bug?: (() => PlantedBug) | undefined;
  /** A violation found is enough. */
  readonly stopsAtFirst?: boolean;
}

/** What came of an exploration. */
export interface Exploration {
  /** Different ones of all processes together: as far as they can tell. */
  readonly states: number;
  readonly runs: number;
  readonly events: number;
  /** Different ends of runs: orders that some process can tell from all others. */
  readonly ends: number;
  /** Nothing within the bounds is left. */
  readonly exhausted: boolean;
  /** What broke, and what happened in place of what would have happened: enough to run it again. */
  readonly violations: readonly { readonly text: string; readonly steps: readonly string[] }[];
}

/** More of them would say the same. */
export const mostViolations = 3;
