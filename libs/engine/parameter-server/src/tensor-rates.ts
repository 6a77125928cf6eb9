import type { ParameterLayout, Slice } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";

/** Numbers of a slice that have one factor of the learning rate. */
export interface RateSegment {
  /** From the slice's first number. */
  readonly offset: number;
  readonly numbers: number;
  /** 0: they stay as they are, and count in no product of gradients. */
  readonly factor: number;
}

/** How fast tensors learn. */
export interface TensorRates {
  /** In order, without gaps; one of factor 1 where the job says nothing of the slice's tensors. */
  segments(slice: Slice): readonly RateSegment[];
}

export function createTensorRates(spec: Pick<RunSpec, "rates">, layout: ParameterLayout): TensorRates {
  const known = new Map<string, readonly RateSegment[]>();
  return {
    segments(slice) {
      const key = `${slice.group}:${slice.start}`;
      const found = known.get(key);
      if (found) return found;
      const made = segmentsOf(slice, spec.rates ?? {}, layout);
      known.set(key, made);
      return made;
    },
  };
}

function segmentsOf(
  slice: Slice,
  rates: Readonly<Record<string, number>>,
  layout: ParameterLayout,
): readonly RateSegment[] {
  const segments: { offset: number; numbers: number; factor: number }[] = [];
  const tensors = layout.groups[slice.group]?.tensors ?? [];
  const end = slice.start + slice.numbers;
  for (const [index, tensor] of tensors.entries()) {
    // Padding goes with the tensor before it: its gradient is zero.
    const from = Math.max(tensor.offset, slice.start);
    const to = Math.min(tensors[index + 1]?.offset ?? Number.MAX_SAFE_INTEGER, end);
    if (from >= to) continue;
    const factor = rates[tensor.name] ?? 1;
    const last = segments.at(-1);
    if (last?.factor === factor) last.numbers += to - from;
    else segments.push({ offset: from - slice.start, numbers: to - from, factor });
  }
  return segments;
}
