/** Explained variance, and the ridge regressions that everything is held against. */

/**
 * 100·(1 − Σ(y − ŷ)² / Σ(y − ȳ)²) over the rows of all tasks together, ȳ their mean: how Bakker and Heskes, Evgeniou and
 * Pontil, and Argyriou et al. count it.
 * @param {number} squaredErrors sum over all rows
 * @param {number[]} targets of these rows
 */
export function explainedVariance(squaredErrors, targets) {
  const mean = targets.reduce((sum, y) => sum + y, 0) / targets.length;
  const variance = targets.reduce((sum, y) => sum + (y - mean) ** 2, 0);
  return 100 * (1 - squaredErrors / variance);
}

export const targetsOf = (tasks, part) => tasks.flatMap((task) => task[part].map(({ y }) => y));

/** Explained variance on `part` of ridge regression trained on `train`, of each task alone or of all rows as one. */
export function ridge(tasks, { lambda, pooled, part, train }) {
  const rowsOf = (task) => train.flatMap((name) => task[name]);
  const all = pooled ? solveRidge(tasks.flatMap(rowsOf), lambda) : undefined;
  let squaredErrors = 0;
  for (const task of tasks) {
    const w = all ?? solveRidge(rowsOf(task), lambda);
    for (const { x, y } of task[part]) squaredErrors += (y - predict(w, x)) ** 2;
  }
  return explainedVariance(squaredErrors, targetsOf(tasks, part));
}

const predict = (w, x) => x.reduce((sum, value, i) => sum + value * w[i], w[x.length]);

/** The w (bias last) that is least in Σ(y − wx)² + λ·(rows per task of School, 83)·‖w‖², by Cholesky. */
function solveRidge(rows, lambda) {
  const n = rows[0].x.length + 1;
  const a = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => (i === j ? lambda * 83 : 0)),
  );
  const b = new Array(n).fill(0);
  for (const { x, y } of rows) {
    const z = [...x, 1];
    for (let i = 0; i < n; i++) {
      if (z[i] === 0) continue;
      b[i] += z[i] * y;
      for (let j = 0; j <= i; j++) a[i][j] += z[i] * z[j];
    }
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j];
      for (let k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
      a[i][j] = i === j ? Math.sqrt(sum) : sum / a[j][j];
    }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}
