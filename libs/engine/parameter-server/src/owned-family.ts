import type { Arithmetic } from "@latentweave/arithmetic";
import { addProducts, type Related } from "@latentweave/multitask";
import { blockNumbers, familiesOf, type ParameterLayout } from "@latentweave/parameters";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";

/** One block of every member of a family, all on this shard. */
export interface FamilyRow {
  readonly numbers: number;
  /** Of the members in their order. */
  at(section: string, ahead: 0 | 1): readonly number[];
}

/** The groups that Ω relates, as far as this shard has them: of a whole family all or nothing, of another some rows. */
export interface OwnedFamily {
  readonly related: Related;
  /** Of each member, its group in the layout. */
  readonly groups: readonly number[];
  /** Of one member. */
  readonly numbers: number;
  rows(state: OwnedState): readonly FamilyRow[];
  /** Pointers to number `start` of each member's group. @throws RangeError when it is another shard's */
  pointersAt(state: OwnedState, start: number, section: string, ahead: 0 | 1): readonly number[];
  /** WᵀW, added in block order; of another section than the parameters where one is named. */
  products(arithmetic: Arithmetic, state: OwnedState, ahead: 0 | 1, section?: string): Float64Array;
  /** Where the shard keeps what is learned of the family; undefined where nothing is, or where another shard does. */
  learnedSlice(state: OwnedState): OwnedSlice | undefined;
  /** The same as numbers, T×T. */
  learned(arithmetic: Arithmetic, state: OwnedState): Float64Array | undefined;
}

export function createFamilies(
  layout: ParameterLayout,
  tasks: readonly string[],
  options: Related["options"],
): readonly OwnedFamily[] {
  return [...familiesOf(layout)].map(([name, members]): OwnedFamily => {
    const groups = members.map(({ index }) => index);
    const about = layout.groups.find(({ relates }) => relates === name);
    const placed = new WeakMap<OwnedState, readonly (readonly OwnedSlice[])[]>();
    /** The slices of each member; equal in number, start and length. */
    const slicesOf = (state: OwnedState): readonly (readonly OwnedSlice[])[] => {
      let slices = placed.get(state);
      if (!slices) {
        slices = groups.map((group) => state.slices.filter((slice) => slice.group === group));
        placed.set(state, slices);
      }
      return slices;
    };
    const pointersAt: OwnedFamily["pointersAt"] = (state, start, section, ahead) =>
      slicesOf(state).map((slices, member) => {
        const slice = slices.find((entry) => entry.start <= start && start < entry.start + entry.numbers);
        if (!slice)
          throw new RangeError(
            `number ${start} of group ${groups[member]} is not on the shard of its family`,
          );
        return state.pointer(slice, section, ahead) + (start - slice.start) * 4;
      });
    const rows: OwnedFamily["rows"] = (state) =>
      (slicesOf(state)[0] ?? []).flatMap(({ start, numbers }) =>
        Array.from({ length: Math.ceil(numbers / blockNumbers) }, (_, block): FamilyRow => {
          const offset = block * blockNumbers;
          return {
            numbers: Math.min(blockNumbers, numbers - offset),
            at: (section, ahead) => pointersAt(state, start + offset, section, ahead),
          };
        }),
      );
    const learnedSlice: OwnedFamily["learnedSlice"] = (state) =>
      about && state.slices.find((slice) => slice.group === about.index && slice.start === 0);
    return {
      related: {
        members: members.map((member) => tasks.indexOf(member.tasks[0] ?? "")),
        taskCount: tasks.length,
        options,
      },
      groups,
      numbers: members[0]?.numbers ?? 0,
      rows,
      pointersAt,
      products(arithmetic, state, ahead, section = "parameters") {
        const total = new Float64Array(groups.length * groups.length);
        for (const row of rows(state))
          addProducts(total, arithmetic.products(row.at(section, ahead), row.numbers));
        return total;
      },
      learnedSlice,
      learned(arithmetic, state) {
        const slice = learnedSlice(state);
        const numbers = groups.length * groups.length;
        return slice && Float64Array.from(arithmetic.f32(state.pointer(slice, "parameters", 0), numbers));
      },
    };
  });
}
