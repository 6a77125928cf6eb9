import { markdownTable } from "../../compare/format-comparison.ts";
import type { Matrix } from "../../relatedness/similarity.ts";
import { formatCount, formatShare, signed } from "../../show/numbers.ts";
import { verdictsOf } from "../verdict.ts";
import { figureTable, gapTable, guardTable } from "./figure-rows.ts";
import type { RunDocument } from "./run-document.ts";

export function documentMarkdown(document: RunDocument): string {
  const { report, relatedness, tasks } = document;
  const tables = [figureTable(document), guardTable(document), gapTable(document)]
    .filter((made) => made !== undefined)
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, header, rows }) => `## ${title}\n\n${markdownTable(header, rows)}`);
  const matrices: [string, Matrix, (value: number) => string][] = relatedness
    ? [
        ["Mean cosine between the tasks' gradients", relatedness.meanCosines, (value) => signed(value, 2)],
        [
          "Conflict rate: share of recorded steps with a negative cosine",
          relatedness.conflictRates,
          formatShare,
        ],
        [
          "Linear CKA: encoders of row and column on samples of the column",
          relatedness.cka,
          (value) => signed(value, 2),
        ],
        ["Squared MMD between the tasks' latents", relatedness.squaredMmd, (value) => signed(value, 3)],
      ]
    : [];
  const parts = [
    `# ${report.runId}`,
    `Job ${document.name}, seed ${document.seed}, step ${formatCount(report.step)}, measured with the ${report.backend} backend.`,
    report.tasks
      .flatMap(verdictsOf)
      .map((line) => `- ${line}`)
      .join("\n"),
    ...tables,
    ...matrices.map(
      ([title, matrix, text]) =>
        `## ${title}\n\n${markdownTable(
          ["", ...tasks],
          matrix.map((row, at) => [
            tasks[at] ?? "",
            ...row.map((value) => (value === null ? "–" : text(value))),
          ]),
        )}`,
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
