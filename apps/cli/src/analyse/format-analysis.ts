import pc from "picocolors";
import type { ReportTable } from "../compare/comparison-tables.ts";
import { gainText, intervalText } from "../compare/say-gains.ts";
import type { Matrix } from "../relatedness/similarity.ts";
import { signed } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";
import type { Analysis } from "./analysis.ts";

export function formatAnalysis(analysis: Analysis): string {
  return [
    ...analysisTables(analysis).map(
      ({ title, header, rows }) => `${pc.bold(title)}\n${formatTable(header, rows)}`,
    ),
    analysisSentences(analysis).join("\n"),
  ].join("\n\n");
}

export function analysisTables({ tasks, transfer, scores, together }: Analysis): readonly ReportTable[] {
  return [
    {
      title: "Transfer: what the task of the column gains from that of the row, over training alone",
      header: ["with", ...tasks],
      rows: [
        ...matrixRows(tasks, transfer),
        ...(together
          ? [["all tasks", ...tasks.map((task) => gainText(meanOfList(together[task] ?? [])))]]
          : []),
      ],
    },
    {
      title: "How well cheap scores rank the measured pairs",
      header: ["score", "Spearman", "standard error", "pairs", "what it is"],
      rows: scores.map(({ name, what, agreement }) => [
        name,
        agreement.spearman === null ? "not defined" : signed(agreement.spearman, 2),
        agreement.standardError === null ? "–" : agreement.standardError.toFixed(2),
        String(agreement.pairs),
        what,
      ]),
    },
  ];
}

function matrixRows(tasks: readonly string[], matrix: Matrix): string[][] {
  return tasks.map((task, row) => [
    task,
    ...tasks.map((_, column) => {
      const value = matrix[row]?.[column] ?? null;
      return value === null ? "" : gainText(value);
    }),
  ]);
}

const meanOfList = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function analysisSentences(analysis: Analysis): string[] {
  const { suggestion, reliability, seeds, left, scores, tasks } = analysis;
  const lines: string[] = [];
  if (left.length > 0)
    lines.push(`The budget had no room for ${left.length} of ${left.length + analysis.trained.length} runs.`);
  lines.push(
    reliability === null
      ? "Measured with one seed: how much of the transfer is chance is not known."
      : `The transfer of two seeds agrees with Spearman ${signed(reliability, 2)} (${seeds.length} seeds): no score can be asked for much more.`,
  );
  const best = scores
    .filter(({ agreement }) => agreement.spearman !== null)
    .sort((a, b) => (b.agreement.spearman ?? -1) - (a.agreement.spearman ?? -1))[0];
  if (best)
    lines.push(
      `The score that ranks the measured pairs best is ${best.name}: Spearman ${signed(best.agreement.spearman ?? 0, 2)}${best.agreement.standardError === null ? " (its sampling error needs four tasks)" : ` ± ${best.agreement.standardError.toFixed(2)} (jackknife over tasks)`}.`,
    );
  if (!suggestion) lines.push("No grouping can be suggested: too few pairs were measured.");
  else if (suggestion.groups.length === tasks.length)
    lines.push("Suggested: train each task alone; no measured pair gains on the mean of its tasks.");
  else {
    const groups = suggestion.groups.map((group) => group.join(" + ")).join("  |  ");
    const expected = suggestion.expected
      ? `expected gain ${gainText(suggestion.expected.mean)} (95 % interval ${intervalText(suggestion.expected)}, chosen and measured on different seeds)`
      : "with one seed its uncertainty is not known";
    lines.push(
      `Suggested groups: ${groups}`,
      `Mean gain over training alone: ${gainText(suggestion.gain)} on the figures it was chosen by; ${expected}.`,
    );
  }
  return lines;
}
