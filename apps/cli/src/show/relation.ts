import type { RelationInspection } from "@latentweave/checkpoint";
import { formatTable } from "./table.ts";

/** A terminal holds about this many columns of three characters; beyond it the strongest pairs say more. */
const mostTasks = 16;
const shownPairs = 10;

/** What was learned about the tasks: a table of correlations, or the most and least alike pairs of many tasks. */
export function formatRelation({ family, omega, tasks, correlation }: RelationInspection): string {
  const title = `learned by ${omega} about ${family}: correlation of ${tasks.length} tasks`;
  if (tasks.length <= mostTasks) {
    const rows = tasks.map((task, row) => [task, ...(correlation[row] ?? []).map(twoDigits)]);
    return `${title}\n${formatTable(["", ...tasks], rows)}`;
  }
  const pairs = tasks
    .flatMap((a, row) =>
      tasks.slice(0, row).map((b, column) => ({ a: b, b: a, value: correlation[row]?.[column] ?? 0 })),
    )
    .sort((one, other) => other.value - one.value);
  const rows = [...pairs.slice(0, shownPairs), ...pairs.slice(-shownPairs)].map(({ a, b, value }) => [
    a,
    b,
    twoDigits(value),
  ]);
  return `${title} (the ${shownPairs} most and ${shownPairs} least alike pairs of ${pairs.length}; --json has all)\n${formatTable(["task", "and", "correlation"], rows)}`;
}

function twoDigits(value: number): string {
  return (Math.round(value * 100) / 100 + 0).toFixed(2);
}
