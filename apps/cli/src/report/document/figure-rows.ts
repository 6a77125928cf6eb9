import { formatCount, formatLoss, formatShare, signedShare } from "../../show/numbers.ts";
import type { ReportTable } from "../../compare/comparison-tables.ts";
import { type HeadFigure, listFigures } from "../head-figures.ts";
import type { TaskReport } from "../make-report.ts";
import type { RunDocument } from "./run-document.ts";

/** Per task what the run does, beside what simple methods do with the same data. */
export function figureTable({ report }: RunDocument): ReportTable {
  return {
    title: "Figures on samples that were not trained on",
    header: ["task", "figure", "learned", "simple baseline", "baseline", "samples"],
    rows: report.tasks.flatMap(rowsOf),
  };
}

function rowsOf(task: TaskReport): string[][] {
  const { together, baselines, split } = task;
  const samples = `${formatCount(task.samples)} ${split}`;
  const rows: string[][] = [];
  if (together.reconstructionError !== null)
    rows.push([
      task.task,
      "reconstruction error (mean square per number)",
      formatLoss(together.reconstructionError),
      baselines?.pca ? formatLoss(baselines.pca.error) : "–",
      baselines?.pca ? `PCA, ${baselines.pca.components} components` : "not fitted",
      samples,
    ]);
  for (const [head, figures] of Object.entries(together.heads))
    for (const figure of listFigures(figures))
      rows.push([
        task.task,
        `${head} ${figure.key === "squaredError" ? "error (mean square)" : figure.title}`,
        figure.text,
        ...linearCells(task, figure),
        samples,
      ]);
  return rows;
}

function linearCells({ baselines }: TaskReport, { key }: HeadFigure): [string, string] {
  const linear = baselines?.linear;
  if (!linear || key !== "accuracy") return ["–", linear === undefined ? "not fitted" : "none that fits"];
  return [formatShare(linear.accuracy), `linear classifier${linear.converged ? "" : " (not converged)"}`];
}

/** Where the run has a guard: each task beside the same task alone, and what was done; undefined where it has none. */
export function guardTable({ report, guard }: RunDocument): ReportTable | undefined {
  const rows = report.tasks.flatMap(({ task, branched, together, alone: [alone] }) => {
    if (!alone || guard === null) return [];
    const done = guard.filter((decision) => decision.task === task);
    const [learned, single] = [together.reconstructionError, alone.reconstructionError];
    const errors = learned !== null && single !== null && single > 0;
    return [
      [
        task,
        errors ? formatLoss(learned) : "–",
        errors ? formatLoss(single) : "–",
        errors ? signedShare(learned / single - 1) : "–",
        done.length === 0
          ? "shares"
          : done
              .map(({ step, action, harm }) => `${action} at step ${step} (${signedShare(harm)})`)
              .join("; "),
        branched ? "its own branch" : "together",
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return {
    title: "Beside the same task alone",
    header: ["task", "reconstruction error", "alone", "difference", "guard (by validation)", "measured"],
    rows,
  };
}

/** Training loss beside the loss on rows that were not trained on. */
export function gapTable({ curves }: RunDocument): ReportTable {
  return {
    title: "Train and validation: the gap at the end",
    header: ["task", "training loss (mean of the last 20 steps)", "loss on held-out rows", "gap"],
    rows: curves.flatMap(({ task, gap }) =>
      gap
        ? [
            [
              task,
              formatLoss(gap.training),
              formatLoss(gap.evaluation),
              signedShare((gap.evaluation - gap.training) / gap.training),
            ],
          ]
        : [],
    ),
  };
}
