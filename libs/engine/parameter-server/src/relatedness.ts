import type { Arithmetic } from "@latentweave/arithmetic";
import {
  mapRows,
  mixBlock,
  type Part,
  type QuadraticRegulariser,
  regulariserNamed,
  shrinkRows,
} from "@latentweave/multitask";
import { proximalRate } from "@latentweave/optim";
import { blockNumbers, familiesOf, type ParameterLayout } from "@latentweave/parameters";
import { type RunSpec, serverOptimiser, sparseSection } from "@latentweave/plan";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";
import { createFamilies, type OwnedFamily } from "./owned-family.ts";

/**
 * λ·Ω over the layout's families. Smooth ones join the gradient, block by block; the others are a step of their own on
 * what the optimiser made. Everything that a family's Ω reads lies on its shard, so no bit depends on how many there are.
 */
export interface Relatedness {
  /** Of the version in `state`: what was learned about the tasks by then. Before the first `addGradient` of an update. */
  begin(state: OwnedState): void;
  /** Adds λ·∂Ω/∂w_t of this block to `gradient`, from the parameters of version n. Nothing for groups of no family. */
  addGradient(state: OwnedState, slice: OwnedSlice, offset: number, numbers: number, gradient: number): void;
  /**
   * Version n+1 of `updated` groups is written and not yet announced: takes the proximal step, and learns.
   * @returns slices that it has changed, besides
   */
  finish(state: OwnedState, updated: ReadonlySet<number>, learningRate: number): readonly OwnedSlice[];
}

/** Undefined when the job relates nothing. */
export function createRelatedness(
  spec: RunSpec,
  layout: ParameterLayout,
  arithmetic: Arithmetic,
): Relatedness | undefined {
  if (!spec.regulariser || familiesOf(layout).size === 0) return undefined;
  const { omega, lambda } = spec.regulariser;
  const regulariser = regulariserNamed(omega, "regulariser.omega", spec.userModule);
  const options = spec.regulariser.options ?? {};
  if (regulariser.kind === "none" || (lambda === 0 && !isLearned(regulariser))) return undefined;
  const families = createFamilies(
    layout,
    spec.tasks.map(({ name }) => name),
    options,
  );
  if (regulariser.kind === "quadratic") return quadratic(regulariser, lambda, families, arithmetic);
  const step = proximalRate(serverOptimiser(spec)) * lambda;
  const sparseStep = proximalRate(serverOptimiser(spec)) * (options.sparse ?? lambda);
  const copies = new Map<number, number>();
  /** The proximal step of one part of the family's weights, in the version that is being made. */
  const shrinkPart = (
    state: OwnedState,
    family: OwnedFamily,
    part: Part,
    threshold: number,
    section = "parameters",
  ): void => {
    const rows = family.rows(state);
    if (part.kind === "rows") {
      const map = (row: Float64Array): void => part.shrink(row, threshold);
      for (const row of rows) mapRows(arithmetic, { vectors: row.at(section, 1), map, numbers: row.numbers });
      return;
    }
    const matrix = part.shrink(family.products(arithmetic, state, 1, section), threshold);
    const bytes = family.groups.length * Math.min(blockNumbers, family.numbers) * 4;
    let copy = copies.get(bytes);
    if (copy === undefined) copies.set(bytes, (copy = arithmetic.allocate(bytes)));
    for (const row of rows)
      mixBlock(arithmetic, { vectors: row.at(section, 1), matrix, copy, numbers: row.numbers });
  };
  return {
    begin: () => undefined,
    addGradient: () => undefined,
    finish(state, updated, learningRate) {
      const threshold = step * learningRate;
      const changed: OwnedSlice[] = [];
      for (const family of families) {
        if (!family.groups.some((group) => updated.has(group))) continue;
        // Of a task that is paused the optimiser has changed nothing, but Ω has.
        changed.push(
          ...state.slices.filter(({ group }) => family.groups.includes(group) && !updated.has(group)),
        );
        if (regulariser.kind === "rows") {
          const shrink = (norm: number): number => regulariser.shrink(norm, threshold);
          for (const row of family.rows(state))
            shrinkRows(arithmetic, { vectors: row.at("parameters", 1), shrink, numbers: row.numbers });
        } else if (regulariser.kind === "spectral") shrinkPart(state, family, regulariser, threshold);
        else {
          split(arithmetic, state, family);
          shrinkPart(state, family, regulariser.shared, threshold);
          shrinkPart(state, family, regulariser.own, sparseStep * learningRate, sparseSection);
          join(arithmetic, state, family);
        }
      }
      return changed;
    },
  };
}

/** P and S, each moved as the optimiser has moved W = P + S: P takes W's place for the moment. */
function split(arithmetic: Arithmetic, state: OwnedState, family: OwnedFamily): void {
  for (const row of family.rows(state)) {
    const [before, sparse] = [row.at("parameters", 0), row.at(sparseSection, 0)];
    const next = row.at(sparseSection, 1);
    for (const [member, weights] of row.at("parameters", 1).entries()) {
      const [w, s, moved] = [before[member], sparse[member], next[member]] as [number, number, number];
      arithmetic.scaleInto(moved, s, 1, row.numbers);
      arithmetic.accumulate(moved, weights, 1, row.numbers);
      arithmetic.accumulate(moved, w, -1, row.numbers);
      arithmetic.accumulate(weights, s, -1, row.numbers);
    }
  }
}

function join(arithmetic: Arithmetic, state: OwnedState, family: OwnedFamily): void {
  for (const row of family.rows(state)) {
    const sparse = row.at(sparseSection, 1);
    for (const [member, weights] of row.at("parameters", 1).entries())
      arithmetic.accumulate(weights, sparse[member] as number, 1, row.numbers);
  }
}

function isLearned(regulariser: ReturnType<typeof regulariserNamed>): boolean {
  return regulariser.kind === "quadratic" && regulariser.learn !== undefined;
}

function quadratic(
  regulariser: QuadraticRegulariser,
  lambda: number,
  families: readonly OwnedFamily[],
  arithmetic: Arithmetic,
): Relatedness {
  /** Of each family, and what it was made of: the digest of what is learned. */
  const matrices = new Map<OwnedFamily, { readonly of: string; readonly matrix: Float64Array }>();
  const byGroup = new Map(
    families.flatMap((family) => family.groups.map((group) => [group, family] as const)),
  );
  return {
    begin(state) {
      for (const family of families) {
        const learned = family.learnedSlice(state);
        if (regulariser.learn && !learned) continue; // Another shard's.
        const of = learned
          ? arithmetic.digest({
              pointer: state.pointer(learned, "parameters", 0),
              bytes: learned.numbers * 4,
            })
          : "";
        if (matrices.get(family)?.of === of) continue;
        const matrix = regulariser.matrix(family.related, family.learned(arithmetic, state));
        matrices.set(family, { of, matrix });
      }
    },
    addGradient(state, slice, offset, numbers, gradient) {
      const family = byGroup.get(slice.group);
      if (!family || lambda === 0) return;
      const { matrix } = matrices.get(family) as { matrix: Float64Array };
      const row = family.groups.indexOf(slice.group);
      const pointers = family.pointersAt(state, slice.start + offset, "parameters", 0);
      for (const [column, pointer] of pointers.entries()) {
        const weight = 2 * lambda * (matrix[row * pointers.length + column] as number);
        arithmetic.accumulate(gradient, pointer, weight, numbers);
      }
    },
    finish(state, updated) {
      const { learn } = regulariser;
      if (!learn) return [];
      return families.flatMap((family) => {
        const slice = family.learnedSlice(state);
        const isDue = (state.version + 1) % (family.related.options.everySteps ?? 1) === 0;
        if (!slice || !isDue || !family.groups.some((group) => updated.has(group))) return [];
        const matrix = learn(family.products(arithmetic, state, 1), family.related);
        // The parameters have run away: the next gradient tells, and nothing is to be learned from them.
        if (!matrix.every(Number.isFinite)) return [];
        arithmetic.f32(state.pointer(slice, "parameters", 1), matrix.length).set(matrix);
        return [slice];
      });
    },
  };
}
