import { formatCount, formatShare } from "../show/numbers.ts";
import type { Comparison } from "./compare-sides.ts";
import { figureText, gainText, intervalText, verdictOf } from "./say-gains.ts";

/** A table as all kinds of report show it. */
export interface ReportTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Figures by task, gains by side, budgets: in this order. */
export function comparisonTables(comparison: Comparison): readonly ReportTable[] {
  return [figureTable(comparison), ...gainTables(comparison), budgetTable(comparison)];
}

function figureTable({ tasks, sides }: Comparison): ReportTable {
  return {
    title: "Figures on samples that were not trained on (mean ± standard deviation over seeds)",
    header: ["task", "figure", ...sides.map(({ label }) => label)],
    rows: tasks.flatMap(({ task, figures }) =>
      figures.map((figure) => [
        task,
        figure.name,
        ...figure.sides.map((summary) => figureText(figure.kind, summary)),
      ]),
    ),
  };
}

function gainTables({ gains }: Comparison): readonly ReportTable[] {
  return gains.map(({ side, baseline, paired, tasks, mean }) => ({
    title: `${side} beside ${baseline}: δ per task, above 0 is better (${paired ? "pairs of equal seeds" : "seeds of either side"})`,
    header: ["task", "δ", "95 % interval", "seeds", "verdict"],
    rows: [
      ...Object.entries(tasks).map(([task, estimate]) => [
        task,
        gainText(estimate.mean),
        intervalText(estimate),
        String(estimate.n),
        verdictOf(estimate),
      ]),
      ["Δm, mean of tasks", gainText(mean.mean), intervalText(mean), String(mean.n), verdictOf(mean)],
    ],
  }));
}

function budgetTable({ sides, gains, tasks }: Comparison): ReportTable {
  const harm = (label: string): string => {
    const own = gains.filter(({ side }) => side === label);
    if (own.length === 0) return "–";
    return own
      .map(({ negativeTransferRate }) =>
        negativeTransferRate === null ? "not known" : formatShare(negativeTransferRate),
      )
      .join(", ");
  };
  return {
    title: "Seeds and budget",
    header: [
      ...["side", "runs", "seeds", "steps", "parameters"],
      ...tasks.map(({ task }) => `samples of ${task}`),
      ...["conflict rate", "negative transfer"],
    ],
    rows: sides.map((side) => [
      side.label,
      String(side.runs.length),
      side.seeds.join(", "),
      side.steps.map(formatCount).join(", "),
      side.parameters.map(formatCount).join(", "),
      ...tasks.map(({ task }) => (side.trainedSamples[task] ?? []).map(formatCount).join(", ")),
      side.conflictRate === null ? "not recorded" : formatShare(side.conflictRate),
      harm(side.label),
    ]),
  };
}
