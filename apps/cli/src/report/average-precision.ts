/**
 * Mean over labels of the average precision: Σ_n (R_n − R_{n−1})·P_n over the distinct scores from the highest down, with
 * precision P and recall R of all rows at that score or above. Rows of one score count together, so that no order of
 * rows matters; nothing is interpolated (Zhu 2004; as scikit-learn's average_precision_score).
 * @param scores [rows, labels]
 * @param labels [rows, labels]: 1 there, 0 not, NaN not known
 * @returns the mean over the labels that some row has; null where no label is there at all
 */
export function meanAveragePrecision(
  scores: Float32Array,
  labels: ArrayLike<number>,
  width: number,
): number | null {
  const each: number[] = [];
  for (let label = 0; label < width; label++) {
    const rows: (readonly [score: number, isThere: boolean])[] = [];
    for (let at = label; at < scores.length; at += width) {
      const value = labels[at] ?? Number.NaN;
      if (!Number.isNaN(value)) rows.push([scores[at] ?? Number.NaN, value === 1]);
    }
    const precision = averagePrecision(rows);
    if (precision !== undefined) each.push(precision);
  }
  return each.length === 0 ? null : each.reduce((sum, value) => sum + value, 0) / each.length;
}

/** @returns undefined where the label is nowhere */
function averagePrecision(rows: readonly (readonly [number, boolean])[]): number | undefined {
  const all = rows.filter(([, isThere]) => isThere).length;
  if (all === 0) return undefined;
  const ordered = rows.toSorted(([a], [b]) => b - a);
  let sum = 0;
  let found = 0;
  for (let start = 0; start < ordered.length;) {
    const [score] = ordered[start] as readonly [number, boolean];
    let end = start;
    let foundHere = 0;
    for (; end < ordered.length && ordered[end]?.[0] === score; end++) if (ordered[end]?.[1]) foundHere++;
    if (end === start) throw new RangeError(`a score is ${score}`);
    found += foundHere;
    sum += (foundHere / all) * (found / end);
    start = end;
  }
  return sum;
}
