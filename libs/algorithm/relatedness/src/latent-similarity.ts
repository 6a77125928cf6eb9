import type { Inexact } from "./student-t.ts";

/** Rows of numbers, row-major [rows, width]. */
export interface Rows {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

/**
 * Linear centred kernel alignment of two representations of the same rows (Kornblith et al. 2019, equation 3):
 * ‖YᵀX‖²_F / (‖XᵀX‖_F · ‖YᵀY‖_F) of centred columns. 1 where one is the other turned and scaled, 0 where they have
 * nothing linear in common; null where a representation is constant.
 * @throws RangeError where the numbers of rows differ
 */
export function linearCka(x: Rows, y: Rows): number | null {
  if (x.rows !== y.rows) throw new RangeError(`${x.rows} rows beside ${y.rows}`);
  const [a, b] = [centred(x), centred(y)];
  const cross = squaredProduct(a, x.width, b, y.width, x.rows);
  const own = squaredProduct(a, x.width, a, x.width, x.rows) * squaredProduct(b, y.width, b, y.width, x.rows);
  return own > 0 ? cross / Math.sqrt(own) : null;
}

function centred({ rows, width, values }: Rows): Float64Array {
  const result = Float64Array.from(values);
  for (let column = 0; column < width; column++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += values[row * width + column] as number;
    for (let row = 0; row < rows; row++) {
      const at = row * width + column;
      result[at] = (result[at] as number) - sum / rows;
    }
  }
  return result;
}

/** ‖AᵀB‖²_F. */
function squaredProduct(
  a: Float64Array,
  aWidth: number,
  b: Float64Array,
  bWidth: number,
  rows: number,
): number {
  let squares = 0;
  for (let i = 0; i < aWidth; i++)
    for (let j = 0; j < bWidth; j++) {
      let sum = 0;
      for (let row = 0; row < rows; row++)
        sum += (a[row * aWidth + i] as number) * (b[row * bWidth + j] as number);
      squares += sum * sum;
    }
  return squares;
}

/**
 * Squared maximum mean discrepancy between two samples, without bias (Gretton et al. 2012, equation 3), with the kernel
 * exp(−‖a − b‖²/(2σ²)). About 0 where both come from one distribution (and then below 0 half of the time).
 * @param bandwidth σ; default: the median distance between any two of all rows
 * @throws RangeError where widths differ or a sample has fewer than two rows
 */
export function squaredMmd(x: Rows, y: Rows, arithmetic: Inexact, bandwidth?: number): number {
  if (x.width !== y.width) throw new RangeError(`rows of ${x.width} numbers beside rows of ${y.width}`);
  if (x.rows < 2 || y.rows < 2) throw new RangeError("a sample needs two rows");
  const [xx, yy, xy] = [distances(x, x), distances(y, y), distances(x, y)];
  const sigmaSquared = bandwidth === undefined ? median([...xx, ...yy, ...xy]) : bandwidth * bandwidth;
  // Every row is the same as every other.
  if (sigmaSquared === 0) return 0;
  const mean = (squares: Float64Array): number => {
    let sum = 0;
    for (const square of squares) sum += arithmetic.exp(-square / (2 * sigmaSquared));
    return sum / squares.length;
  };
  return mean(xx) + mean(yy) - 2 * mean(xy);
}

/** Squared distances: of each pair once within one sample, of all pairs between two. */
function distances(a: Rows, b: Rows): Float64Array {
  const own = a === b;
  const result = new Float64Array(own ? (a.rows * (a.rows - 1)) / 2 : a.rows * b.rows);
  let place = 0;
  for (let i = 0; i < a.rows; i++)
    for (let j = own ? i + 1 : 0; j < b.rows; j++) {
      let sum = 0;
      for (let column = 0; column < a.width; column++) {
        const difference =
          (a.values[i * a.width + column] as number) - (b.values[j * b.width + column] as number);
        sum += difference * difference;
      }
      result[place++] = sum;
    }
  return result;
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
