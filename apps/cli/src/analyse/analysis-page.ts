import { gainText } from "../compare/say-gains.ts";
import { heatMap } from "../page/heat-map.ts";
import { lineChart } from "../page/line-chart.ts";
import { gallery, page, paragraphs, section, table } from "../page/page.ts";
import { cosineLines } from "../report/cosine-lines.ts";
import type { Matrix } from "../relatedness/similarity.ts";
import { formatCount } from "../show/numbers.ts";
import type { Analysis } from "./analysis.ts";
import { analysisSentences, analysisTables } from "./format-analysis.ts";

export function analysisPage(title: string, analysis: Analysis): string {
  const { tasks, transfer, scores, gradients, steps, seeds, split } = analysis;
  const [transferTable, scoreTable] = analysisTables(analysis);
  const largest = (matrix: Matrix): number =>
    Math.max(
      1e-9,
      ...matrix.flatMap((row, i) => row.map((value, j) => (i === j ? 0 : Math.abs(value ?? 0)))),
    );
  const off = (matrix: Matrix): Matrix =>
    matrix.map((row, i) => row.map((value, j) => (i === j ? null : value)));
  const drawn = cosineLines(tasks, gradients);
  return page(
    title,
    `${tasks.length} tasks, ${formatCount(steps)} steps each, seeds ${seeds.join(", ")}; measured on ${split} samples.`,
    [
      section("What can be said", [paragraphs(analysisSentences(analysis))]),
      section("Measured transfer", [
        gallery([
          heatMap({
            title: "Gain of the column's task when trained with the row's",
            ...{ rows: tasks, columns: tasks, values: transfer, full: largest(transfer) },
            ...{ rowLabel: "trained with", columnLabel: "gain of", text: gainText },
            note: "Over training alone with as many steps and samples. Blue gains, orange is harmed.",
          }),
        ]),
        ...(transferTable ? [table(transferTable)] : []),
      ]),
      section("Cheap scores beside it", [
        ...(scoreTable ? [table(scoreTable)] : []),
        gallery([
          ...scores
            .filter(({ matrix }) => off(matrix).some((row) => row.some((value) => value !== null)))
            .map(({ name, what, matrix }) =>
              heatMap({
                title: name,
                ...{ rows: tasks, columns: tasks, values: off(matrix), full: largest(matrix) },
                ...{ rowLabel: "task", columnLabel: "task" },
                text: (value) => Number(value.toPrecision(2)).toString().replace("-", "−"),
                note: `${what[0]?.toUpperCase() ?? ""}${what.slice(1)}.`,
              }),
            ),
          ...(drawn.length > 0
            ? [
                lineChart({
                  title: "Cosine between gradients over the run with all tasks",
                  ...{ xLabel: "step", yLabel: "cosine", yEnds: [-1, 1] as const },
                  lines: drawn.map(({ label, points }, colour) => ({ label, colour, points })),
                }),
              ]
            : []),
        ]),
      ]),
    ],
  );
}
