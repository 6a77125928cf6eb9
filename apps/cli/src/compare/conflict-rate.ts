import { readGradientSeries } from "../report/gradient-series.ts";

/** Mean over recorded steps of the share of pairs of tasks with cos(g_i, g_j) < 0; null where none are recorded. */
export async function readConflictRate(directory: string): Promise<number | null> {
  const points = await readGradientSeries(directory);
  const known = points.flatMap(({ cosines }) => cosines.flat()).filter((cosine) => cosine !== null);
  if (known.length === 0) return null;
  return known.filter((cosine) => cosine < 0).length / known.length;
}
