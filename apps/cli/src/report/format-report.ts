import pc from "picocolors";
import { formatCount, formatLoss, formatShare } from "../show/numbers.ts";
import { type Cell, formatTable } from "../show/table.ts";
import { listFigures } from "./head-figures.ts";
import type { RunFigures, RunReport, TaskReport } from "./make-report.ts";

/** The report as tables, one per task. @param names what to call the run itself and those beside it */
export function formatReport(
  report: RunReport,
  names: { readonly together: string; readonly alone: string },
): string {
  return report.tasks.map((task) => formatTask(task, names)).join("\n\n");
}

function formatTask(task: TaskReport, names: { readonly together: string; readonly alone: string }): string {
  const heads = Object.entries(task.together.heads).flatMap(([head, figures]) =>
    listFigures(figures).map((figure) => ({ head, ...figure })),
  );
  const header = [
    "",
    ...(hasErrors(task) ? ["reconstruction error"] : []),
    ...latentTitles(task),
    ...heads.map(({ head, title }) => `${head} ${title}`),
  ];
  const row = (name: string, figures: RunFigures): Cell[] => [
    `  ${name} (${figures.runId}, step ${formatCount(figures.step)})`,
    ...(hasErrors(task) ? [errorText(figures.reconstructionError)] : []),
    ...latentTexts(task, figures),
    ...heads.map(({ head, key }) => headText(figures, head, key)),
  ];
  const rows = [
    row(names.together, task.together),
    ...task.alone.map((figures) => row(names.alone, figures)),
  ];
  const { pca, linear } = task.baselines ?? {};
  if (pca)
    rows.push([
      `  PCA, ${pca.components} components`,
      ...(hasErrors(task) ? [errorText(pca.error)] : []),
      ...latentTitles(task).map(() => null),
      ...heads.map(() => null),
    ]);
  if (linear)
    rows.push([
      `  linear classifier${linear.converged ? "" : " (not converged)"}`,
      ...(hasErrors(task) ? [null] : []),
      ...latentTitles(task).map(() => null),
      ...heads.map(({ key }) => (key === "accuracy" ? formatShare(linear.accuracy) : null)),
    ]);
  const fitted = task.baselines
    ? `, baselines fitted to all ${formatCount(task.trainingRows)} training samples`
    : "";
  const title = `${pc.bold(task.task)}  ${pc.dim(`${formatCount(task.samples)} ${task.split} samples${fitted}`)}`;
  return [title, formatTable(header, rows)].join("\n");
}

function hasErrors(task: TaskReport): boolean {
  return task.together.reconstructionError !== null;
}

function latentTitles({ together: { kl, likelihood } }: TaskReport): string[] {
  return [
    ...(kl === undefined ? [] : ["KL, nats"]),
    ...(likelihood ? [`−log p(x) by ${formatCount(likelihood.draws)} draws, nats`, "its lower bound"] : []),
  ];
}

function latentTexts(task: TaskReport, { kl, likelihood }: RunFigures): Cell[] {
  const texts = [
    kl === undefined ? null : formatLoss(kl),
    likelihood ? formatLoss(likelihood.negativeLogLikelihood) : null,
    likelihood ? formatLoss(likelihood.negativeLowerBound) : null,
  ];
  const { together } = task;
  return texts.filter((_, index) => (index === 0 ? together.kl !== undefined : together.likelihood));
}

function headText(figures: RunFigures, head: string, key: string): Cell {
  const own = figures.heads[head];
  return (own && listFigures(own).find((figure) => figure.key === key)?.text) ?? null;
}

function errorText(error: number | null): Cell {
  return error === null ? null : formatLoss(error);
}
