import { heatMap } from "../../page/heat-map.ts";
import { lineChart, thinned } from "../../page/line-chart.ts";
import type { Markup } from "../../page/markup.ts";
import { gallery, page, paragraphs, section, table } from "../../page/page.ts";
import { scatter } from "../../page/scatter.ts";
import { formatCount, formatShare, signed } from "../../show/numbers.ts";
import { cosineLines } from "../cosine-lines.ts";
import { verdictsOf } from "../verdict.ts";
import { figureTable, gapTable, guardTable } from "./figure-rows.ts";
import { pictureMarkup } from "./page-pictures.ts";
import type { RunDocument } from "./run-document.ts";

export function documentPage(document: RunDocument): string {
  const { report, name, seed, tasks, curves, pictures, maps, phases } = document;
  const [figures, gap, guard] = [figureTable(document), gapTable(document), guardTable(document)];
  return page(
    report.runId,
    `Job ${name}, seed ${seed}, step ${formatCount(report.step)}; ${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}: ${tasks.join(", ")}. Measured with the ${report.backend} backend.`,
    [
      section(figures.title, [table(figures), paragraphs(report.tasks.flatMap(verdictsOf), "note")]),
      ...(guard ? [section(guard.title, [table(guard)])] : []),
      section("Loss over the run", [
        gallery(
          curves.map(({ task, training, evaluation }, index) =>
            lineChart({
              title: task,
              xLabel: "step",
              yLabel: "loss, mean per sample",
              lines: [
                { label: "training", colour: index, points: thinned(training) },
                ...(evaluation.length > 0
                  ? [
                      {
                        ...{ label: "held out", colour: index, dash: 1, hasDots: evaluation.length < 60 },
                        points: evaluation,
                      },
                    ]
                  : []),
              ],
              marks: phases.slice(1).map(({ name: label, from }) => ({ x: from, label })),
              note: training.length > 240 ? "Training losses are averaged over stretches of steps." : "",
            }),
          ),
        ),
        ...(gap.rows.length > 0 ? [paragraphs([gap.title], "note"), table(gap)] : []),
      ]),
      ...(pictures.length > 0 ? [section("Reconstructions", pictures.map(pictureMarkup))] : []),
      ...(maps.length > 0
        ? [
            section("Latents", [
              gallery(
                maps.map(({ task, rows, explained, groups }) =>
                  scatter({
                    title: task,
                    xLabel: `first principal direction (${formatShare(explained[0])} of variance)`,
                    yLabel: `second principal direction (${formatShare(explained[1])})`,
                    groups,
                    note: `${formatCount(rows)} samples that were not trained on.`,
                  }),
                ),
              ),
            ]),
          ]
        : []),
      ...relatednessSection(document),
    ],
  );
}

function relatednessSection({ relatedness, tasks }: RunDocument): Markup[] {
  if (!relatedness) return [];
  const { gradients } = relatedness;
  const recorded = gradients.filter(({ cosines }) => cosines.flat().some((cosine) => cosine !== null)).length;
  const known = (matrix: RunRelatednessMatrix): boolean =>
    matrix.some((row, i) => row.some((value, j) => i !== j && value !== null));
  const map = (
    title: string,
    values: RunRelatednessMatrix,
    more: Partial<Parameters<typeof heatMap>[0]>,
  ): Markup[] =>
    known(values)
      ? [
          heatMap({
            ...{ title, rows: tasks, columns: tasks, values, full: 1, rowLabel: "task", columnLabel: "task" },
            text: (value) => signed(value, 2),
            ...more,
          }),
        ]
      : [];
  const mmd = relatedness.squaredMmd.flat().map((value) => Math.abs(value ?? 0));
  const maps = [
    ...map("Cosine between gradients", relatedness.meanCosines, {
      note: `Of the shared parameters, mean of ${recorded} recorded steps. Below 0 two tasks pull against each other.`,
    }),
    ...map("Conflict rate", relatedness.conflictRates, {
      text: (value) => `${Math.round(value * 100)} %`,
      moreIsWorse: true,
      note: "Share of recorded steps at which two gradients point against each other.",
    }),
    ...map("Similarity of encoders: linear CKA", relatedness.cka, {
      rowLabel: "encoder of",
      columnLabel: "samples of",
      note: "1: what two encoders make of the same samples is one turned and scaled; 0: nothing linear in common.",
    }),
    ...map("Distance of latents: squared MMD", relatedness.squaredMmd, {
      full: Math.max(...mmd, 1e-6),
      text: (value) => signed(value, 3),
      note: "0: the two tasks' latents come from one distribution.",
    }),
  ];
  const drawn = cosineLines(tasks, gradients);
  // The heat maps have the pairs that no line is drawn of.
  if (drawn.length > 0)
    maps.push(
      lineChart({
        title: "Cosine between gradients over the run",
        xLabel: "step",
        yLabel: "cosine",
        yEnds: [-1, 1],
        lines: drawn.map(({ label, points }, colour) => ({
          ...{ label, colour, dash: colour },
          points: thinned(points, 120),
        })),
      }),
    );
  return maps.length > 0 ? [section("How the tasks lie to each other", [gallery(maps)])] : [];
}

type RunRelatednessMatrix = NonNullable<RunDocument["relatedness"]>["cka"];
