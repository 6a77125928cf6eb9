import { meanOf } from "./interval.ts";

/** Ranks from 1; equal values share the mean of theirs. */
export function ranksOf(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end += 1;
    for (let at = start; at < end; at++) ranks[order[at] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Spearman's rank correlation: Pearson's of the ranks, right with ties too; null where a side is constant or n < 2. */
export function spearman(a: readonly number[], b: readonly number[]): number | null {
  if (a.length !== b.length) throw new RangeError(`${a.length} values beside ${b.length}`);
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const [meanX, meanY] = [meanOf(x), meanOf(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let at = 0; at < x.length; at++) {
    const [dx, dy] = [(x[at] as number) - meanX, (y[at] as number) - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
}

/** A score of ordered pairs of tasks beside what was measured of them. */
export interface PairScore {
  readonly from: number;
  readonly to: number;
  readonly score: number;
  readonly measured: number;
}

export interface RankAgreement {
  readonly spearman: number | null;
  /** By the jackknife over tasks: pairs that have a task in common are not independent. Null below 4 tasks. */
  readonly standardError: number | null;
  readonly pairs: number;
}

/** How well a score ranks the measured pairs. @param tasks their number */
export function rankAgreement(pairs: readonly PairScore[], tasks: number): RankAgreement {
  const all = correlate(pairs);
  const without = Array.from({ length: tasks }, (_, task) =>
    correlate(pairs.filter(({ from, to }) => from !== task && to !== task)),
  ).filter((value) => value !== null);
  const known = tasks >= 4 && without.length === tasks;
  const mean = known ? meanOf(without) : 0;
  const squares = without.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return {
    spearman: all,
    standardError: all !== null && known ? Math.sqrt(((tasks - 1) / tasks) * squares) : null,
    pairs: pairs.length,
  };
}

function correlate(pairs: readonly PairScore[]): number | null {
  return pairs.length < 2
    ? null
    : spearman(
        pairs.map(({ score }) => score),
        pairs.map(({ measured }) => measured),
      );
}
