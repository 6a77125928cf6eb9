import { type SafetensorsFile } from "./safetensors-file.ts";
import { type StoredTensor } from "./safetensors-header.ts";

/** What a tensor holds at a glance; computed in float64 in storage order. Null where no number is finite. */
export interface TensorStatistics {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Square root of the sum of squares. */
  readonly norm: number | null;
  /** NaN and ±∞, which the figures above leave out. */
  readonly nonFinite: number;
}

/** Of a float32 tensor, in bounded memory. */
export async function tensorStatistics(
  file: SafetensorsFile,
  tensor: StoredTensor,
): Promise<TensorStatistics> {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let squares = 0;
  let finite = 0;
  let all = 0;
  await file.visit(tensor, (chunk) => {
    const values = new Float32Array(chunk.buffer, chunk.byteOffset, chunk.byteLength / 4);
    all += values.length;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      finite += 1;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      squares += value * value;
    }
  });
  const nonFinite = all - finite;
  if (finite === 0) return { min: null, max: null, mean: null, norm: null, nonFinite };
  return { min, max, mean: sum / finite, norm: Math.sqrt(squares), nonFinite };
}
