import { at } from "./matrix.ts";

export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** Row k: the unit eigenvector of the k-th value. */
  readonly vectors: readonly Float64Array[];
}

/** Sweeps of Jacobi's method converge quadratically: ten are plenty for a hundred rows; past this A holds a NaN. */
const maxSweeps = 60;

/**
 * A = V Λ Vᵀ for a symmetric A, by cyclic Jacobi rotations (Golub, Van Loan: "Matrix Computations", §8.5): of all
 * methods the one with the highest relative accuracy for small eigenvalues, and with square roots as its only function.
 */
export function symmetricEigen(matrix: Float64Array): Eigen {
  const n = Math.round(Math.sqrt(matrix.length));
  const a = matrix.slice();
  const rows = Array.from({ length: n }, (_, row) =>
    Float64Array.from({ length: n }, (_, column) => (row === column ? 1 : 0)),
  );
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++)
      for (let q = p + 1; q < n; q++) if (rotate(a, rows, n, p, q)) rotated = true;
    if (!rotated) break;
  }
  const order = Array.from({ length: n }, (_, k) => k).sort((i, j) => at(a, i * n + i) - at(a, j * n + j));
  return {
    values: Float64Array.from(order, (k) => at(a, k * n + k)),
    vectors: order.map((k) => rows[k] as Float64Array),
  };
}

/** Makes A_pq zero; false where it is so small that it does not count beside the diagonal. */
function rotate(a: Float64Array, rows: readonly Float64Array[], n: number, p: number, q: number): boolean {
  const apq = at(a, p * n + q);
  const [app, aqq] = [at(a, p * n + p), at(a, q * n + q)];
  if (!(Math.abs(apq) > 0.25 * Number.EPSILON * Math.sqrt(Math.abs(app) * Math.abs(aqq)))) {
    a[p * n + q] = 0;
    a[q * n + p] = 0;
    return false;
  }
  const theta = (aqq - app) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [kp, kq] = [at(a, k * n + p), at(a, k * n + q)];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (let k = 0; k < n; k++) {
    const [pk, qk] = [at(a, p * n + k), at(a, q * n + k)];
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
  }
  a[p * n + q] = 0;
  a[q * n + p] = 0;
  const [vp, vq] = [rows[p] as Float64Array, rows[q] as Float64Array];
  for (let k = 0; k < n; k++) {
    const [x, y] = [at(vp, k), at(vq, k)];
    vp[k] = c * x - s * y;
    vq[k] = s * x + c * y;
  }
  return true;
}

/** Eigenvalues at or below this count as zero: as numpy's and PyTorch's `matrix_rank` and `pinv` have it. */
export function rankTolerance({ values }: Eigen): number {
  return at(values, values.length - 1) * values.length * Number.EPSILON;
}

/** f(A)·x = Σ_k f(λ_k) v_k ⟨v_k, x⟩ over the eigenvalues above the tolerance. */
export function spectral(eigen: Eigen, f: (value: number) => number, x: ArrayLike<number>): Float64Array {
  const n = eigen.values.length;
  const result = new Float64Array(n);
  const tolerance = rankTolerance(eigen);
  eigen.vectors.forEach((vector, k) => {
    const value = at(eigen.values, k);
    if (!(value > tolerance)) return;
    let along = 0;
    for (let i = 0; i < n; i++) along += at(vector, i) * at(x, i);
    const coefficient = f(value) * along;
    for (let i = 0; i < n; i++) result[i] = at(result, i) + coefficient * at(vector, i);
  });
  return result;
}

/** f(A) = Σ_k f(λ_k, k) v_k v_kᵀ, row-major and exactly symmetric; eigenvalues that rounding made negative count as zero. */
export function spectralMatrix(eigen: Eigen, f: (value: number, k: number) => number): Float64Array {
  const n = eigen.values.length;
  const result = new Float64Array(n * n);
  eigen.vectors.forEach((vector, k) => {
    const factor = f(Math.max(0, at(eigen.values, k)), k);
    if (factor === 0) return;
    for (let row = 0; row < n; row++) {
      const along = factor * at(vector, row);
      for (let column = 0; column <= row; column++)
        result[row * n + column] = at(result, row * n + column) + along * at(vector, column);
    }
  });
  for (let row = 0; row < n; row++)
    for (let column = 0; column < row; column++) result[column * n + row] = at(result, row * n + column);
  return result;
}
