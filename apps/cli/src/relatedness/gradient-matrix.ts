import type { GradientPoint } from "../report/gradient-series.ts";
import type { Matrix } from "./similarity.ts";

/** Mean over recorded steps of something about cos(g_i, g_j), as a symmetric matrix. */
function overSteps(
  points: readonly GradientPoint[],
  tasks: number,
  of: (cosine: number) => number,
  diagonal: number | null,
): Matrix {
  return Array.from({ length: tasks }, (_, i) =>
    Array.from({ length: tasks }, (_column, j) => {
      if (i === j) return diagonal;
      const [row, column] = i < j ? [i, j] : [j, i];
      const known = points
        .map(({ cosines }) => cosines[row]?.[column - row - 1] ?? null)
        .filter((cosine) => cosine !== null);
      return known.length === 0 ? null : known.reduce((sum, cosine) => sum + of(cosine), 0) / known.length;
    }),
  );
}

export function meanCosines(points: readonly GradientPoint[], tasks: number): Matrix {
  return overSteps(points, tasks, (cosine) => cosine, 1);
}

/** Share of recorded steps with cos(g_i, g_j) < 0. */
export function conflictRates(points: readonly GradientPoint[], tasks: number): Matrix {
  return overSteps(points, tasks, (cosine) => (cosine < 0 ? 1 : 0), null);
}
