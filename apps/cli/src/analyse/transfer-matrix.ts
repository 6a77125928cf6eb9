import { meanOf, relativeGain } from "@latentweave/relatedness";
import type { Figure, MeasuredRun } from "../compare/measured-run.ts";
import type { Matrix } from "../relatedness/similarity.ts";
import type { SubRun } from "./plan-analysis.ts";

/** A task's gain over its baseline: the mean over its figures. */
export function taskGain(own: readonly Figure[], baseline: readonly Figure[]): number {
  return meanOf(
    own.map(({ kind, value }, at) =>
      relativeGain(value, baseline[at]?.value ?? Number.NaN, kind === "error"),
    ),
  );
}

/**
 * Of one seed: entry (i, j) is what task j gains from being trained with task i instead of alone, with as many steps
 * and samples of its own; null where the pair was not trained.
 */
export function transferMatrix(
  tasks: readonly string[],
  seed: number,
  runs: readonly { readonly run: SubRun; readonly measured: MeasuredRun }[],
): Matrix {
  const own = runs.filter(({ run }) => run.seed === seed);
  const figures = (names: readonly string[], task: string): readonly Figure[] | undefined =>
    own
      .find(
        ({ run }) =>
          run.kind !== "all" &&
          run.tasks.length === names.length &&
          names.every((name) => run.tasks.includes(name)),
      )
      ?.measured.tasks.get(task)?.figures;
  return tasks.map((from) =>
    tasks.map((to) => {
      if (from === to) return null;
      const [together, alone] = [figures([from, to], to), figures([to], to)];
      return together && alone ? taskGain(together, alone) : null;
    }),
  );
}

/** Entry by entry the mean of what is known. */
export function meanMatrix(matrices: readonly Matrix[]): Matrix {
  const [first = []] = matrices;
  return first.map((row, i) =>
    row.map((_, j) => {
      const known = matrices.flatMap((matrix) => matrix[i]?.[j] ?? []);
      return known.length > 0 ? meanOf(known) : null;
    }),
  );
}
