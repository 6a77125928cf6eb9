import pc from "picocolors";
import { formatTable } from "../show/table.ts";
import type { Comparison } from "./compare-sides.ts";
import { comparisonTables } from "./comparison-tables.ts";
import { classSentence, sentencesOf } from "./say-gains.ts";

export function formatComparison(comparison: Comparison): string {
  const tables = comparisonTables(comparison).map(
    ({ title, header, rows }) => `${pc.bold(title)}\n${formatTable(header, rows)}`,
  );
  return [
    ...tables,
    [...classSentence(comparison), ...sentencesOf(comparison)].join("\n"),
    ...(comparison.warnings.length > 0
      ? [comparison.warnings.map((line) => pc.yellow(`careful: ${line}`)).join("\n")]
      : []),
  ].join("\n\n");
}

export function comparisonMarkdown(comparison: Comparison): string {
  const { sides, warnings } = comparison;
  const parts = [
    `# ${sides.map(({ label }) => label).join(" · ")}`,
    sentencesOf(comparison)
      .map((line) => `- ${line}`)
      .join("\n"),
    ...(warnings.length > 0 ? [warnings.map((line) => `> Careful: ${line}`).join("\n>\n")] : []),
    ...comparisonTables(comparison).map(
      ({ title, header, rows }) => `## ${title}\n\n${markdownTable(header, rows)}`,
    ),
    ...classSentence(comparison),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
