import type { Arithmetic } from "@latentweave/arithmetic";
import { regulariserNamed } from "@latentweave/multitask";
import { familiesOf, type ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";

/** λ·Ω over the layout's families, block by block: the members' blocks of one place lie on one shard. */
export interface Relatedness {
  /** Adds λ·∂Ω/∂w_t of this block to `gradient`, from the parameters of version n. Nothing for groups of no family. */
  addGradient(state: OwnedState, slice: OwnedSlice, offset: number, numbers: number, gradient: number): void;
}

/** Undefined when the job relates nothing. */
export function createRelatedness(
  spec: RunSpec,
  layout: ParameterLayout,
  arithmetic: Arithmetic,
): Relatedness | undefined {
  if (!spec.regulariser || spec.regulariser.lambda === 0) return undefined;
  const regulariser = regulariserNamed(spec.regulariser.omega);
  if (regulariser.kind === "none") return undefined;
  const { lambda } = spec.regulariser;
  const families = [...familiesOf(layout).values()].map((members) => ({
    groups: members.map((member) => member.index),
    matrix: regulariser.matrix(members.length, undefined),
  }));
  return {
    addGradient(state, slice, offset, numbers, gradient) {
      const family = families.find(({ groups }) => groups.includes(slice.group));
      if (!family) return;
      const row = family.groups.indexOf(slice.group);
      const start = slice.start + offset;
      for (const [column, group] of family.groups.entries()) {
        const other = state.slices.find(
          (entry) => entry.group === group && entry.start <= start && start < entry.start + entry.numbers,
        );
        if (!other)
          throw new RangeError(`number ${start} of group ${group} is not on the shard of its family`);
        const weight = 2 * lambda * (family.matrix[row * family.groups.length + column] ?? 0);
        arithmetic.accumulate(
          gradient,
          state.pointer(other, "parameters", 0) + (start - other.start) * 4,
          weight,
          numbers,
        );
      }
    },
  };
}
