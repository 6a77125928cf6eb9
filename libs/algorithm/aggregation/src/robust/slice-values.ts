import type { Arithmetic } from "@latentweave/arithmetic";
import { isWeighing, type RobustSpec } from "@latentweave/plan";
import { type Float32Values } from "../value-store.ts";
import { coordinateWise } from "./coordinate-wise.ts";
import { createSlotValues, type SlotValues } from "./slot-values.ts";

/**
 * One slice of a task's gradients under a robust rule. One that looks at each number by itself gives the slice's value
 * here; of the others the leader finds out what each slot weighs.
 */
export function createSliceValues(options: {
  readonly arithmetic: Arithmetic;
  readonly rule: RobustSpec;
  readonly slots: number;
  readonly numbers: number;
  readonly values: Float32Values;
}): SlotValues<number> {
  const { arithmetic, rule, slots, numbers, values } = options;
  if (isWeighing(rule)) return createSlotValues({ slots, values });
  return createSlotValues({
    ...{ slots, values },
    combine(vectors) {
      const into = arithmetic.allocate(numbers * 4);
      coordinateWise(arithmetic, rule, vectors, into, numbers);
      return into;
    },
  });
}
