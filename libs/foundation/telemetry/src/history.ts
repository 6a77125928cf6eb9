import type { CommitPoint } from "./run-snapshot.ts";

/** Points of a run's curves, bounded in number whatever the run's length. */
export interface History {
  add(point: CommitPoint): void;
  /** In order of steps; the newest are whole, older ones thinned, evaluations always kept while thinning can help. */
  points(): readonly CommitPoint[];
  /** Steps from this one on are made again: what is known of them is forgotten. */
  cutTo(step: number): void;
}

/** When `limit` points are held, every other plain one of the older half is let go. */
export function createHistory(limit: number): History {
  let held: CommitPoint[] = [];
  return {
    add(point) {
      held.push(point);
      if (held.length <= limit) return;
      const half = Math.floor(held.length / 2);
      const thinned = held.slice(0, half).filter((old, place) => place % 2 === 0 || isEvaluation(old));
      // A history of nothing but evaluations must not outgrow the limit either.
      const older = thinned.length < half ? thinned : thinned.filter((_, place) => place % 2 === 0);
      held = [...older, ...held.slice(half)];
    },
    points: () => held,
    cutTo(step) {
      held = held.filter((point) => point.step < step);
    },
  };
}

function isEvaluation(point: CommitPoint): boolean {
  return Object.keys(point.evaluation).length > 0;
}
