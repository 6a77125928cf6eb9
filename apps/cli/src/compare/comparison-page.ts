import { intervalChart } from "../page/interval-chart.ts";
import type { Markup } from "../page/markup.ts";
import { gallery, page, paragraphs, section, table } from "../page/page.ts";
import type { Comparison } from "./compare-sides.ts";
import { comparisonTables } from "./comparison-tables.ts";
import { classSentence, sentencesOf } from "./say-gains.ts";

export function comparisonPage(comparison: Comparison): string {
  const { sides, tasks, warnings } = comparison;
  const [figures, ...rest] = comparisonTables(comparison);
  const budget = rest.pop();
  return page(
    sides.map(({ label }) => label).join(" · "),
    `${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}, measured with the ${comparison.backend} backend on samples that were not trained on.`,
    [
      section("What can be said", [
        paragraphs(sentencesOf(comparison)),
        paragraphs(
          warnings.map((line) => `Careful: ${line}`),
          "note",
        ),
      ]),
      section("Gains", [gallery(gainCharts(comparison)), ...rest.map((one) => titled(one))]),
      ...(figures ? [section(figures.title, [table(figures)])] : []),
      ...(budget
        ? [section(budget.title, [table(budget), paragraphs(classSentence(comparison), "note")])]
        : []),
    ],
  );
}

function titled(one: ReturnType<typeof comparisonTables>[number]): Markup {
  return { markup: `${paragraphs([one.title], "note").markup}${table(one).markup}` };
}

/** One chart for each baseline; an absurd gain of a side that did not learn is in the table alone. */
export function gainCharts({ gains, sides, tasks, confidence }: Comparison): Markup[] {
  const baselines = [...new Set(gains.map(({ baseline }) => baseline))];
  return baselines.map((baseline) => {
    const own = gains.filter((one) => one.baseline === baseline);
    const colourOf = (label: string): number => sides.findIndex((side) => side.label === label);
    const percent = (value: number): number => value * 100;
    const row = (group: string, label: string, estimate: (typeof own)[number]["mean"]) => ({
      ...{ group, label, colour: colourOf(label), mean: percent(estimate.mean) },
      interval:
        estimate.interval === null
          ? null
          : ([percent(estimate.interval[0]), percent(estimate.interval[1])] as const),
    });
    return intervalChart({
      title: `Gain over ${baseline}`,
      xLabel: "δ in %, to the right is better",
      rows: [
        ...tasks.flatMap(({ task }) =>
          own.flatMap(({ side, tasks: byTask }) => {
            const estimate = byTask[task];
            return estimate ? [row(task, side, estimate)] : [];
          }),
        ),
        ...own.map(({ side, mean }) => row("Δm, mean of tasks", side, mean)),
      ],
      note: own.every(({ mean }) => mean.interval === null)
        ? "One seed each: how far chance goes is not known."
        : `Lines are ${confidence * 100} % t intervals over seeds; those that touch 0 may be chance.`,
    });
  });
}
