import { UserError } from "@latentweave/protocol";
import type { DataColumn, DataShape, HeadDescription } from "./description.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { HeadTerm } from "./head-terms.ts";

/** One head on the latent: its own layers, then a dense layer with as many units as its column needs. */
export function headTerm(
  graph: GraphBuilder,
  latent: number,
  taskName: string,
  name: string,
  head: HeadDescription,
  data: DataShape,
): HeadTerm {
  const field = `tasks.${taskName}.heads.${name}`;
  const column = findColumn(data, head, field);
  const { labelled } = column;
  if (labelled?.train === 0)
    throw new UserError({
      where: field,
      what: `no training row has a label in the column "${column.name}": there is nothing to learn from`,
      expected: "a label in one training row at least",
      mend: "give rows their labels, let fewer rows be set aside (the data's split), or leave the head out",
    });
  const place = { group: `${taskName}/head/${name}`, field: `${field}.layers` };
  const hidden = graph.sequence(latent, head.layers, place);
  const base = { name, weight: head.weight };
  const from = { column: column.name, ...(labelled && { labelled }) };
  const last = (units: number): number =>
    graph.dense(hidden, units, "linear", `${place.group}/output`, { ...place, field });
  const numbers = column.numbers ?? 1;
  if (head.kind === "regression")
    return head.uncertainty === true
      ? { kind: "gaussian", ...base, prediction: last(2 * numbers), numbers, ...from }
      : { kind: "regression", ...base, prediction: last(numbers), ...from };
  if (head.kind === "multiLabel")
    return { kind: "multiLabel", ...base, logits: last(numbers), labels: numbers, ...from };
  const classes = head.classes ?? column.classes ?? 0;
  if (classes < (column.classes ?? 0) || classes < 1)
    throw new UserError({
      where: `${field}.classes`,
      what: `${classes} classes, but the column "${column.name}" has ${column.classes ?? 0}`,
      expected: `${column.classes ?? "some"} or more`,
      mend: "leave `classes` out: the data says how many there are",
    });
  return { kind: "classification", ...base, logits: last(classes), classes, ...from };
}

/** What a column holds, by the head that learns it. */
const columnKinds = { classification: "class", multiLabel: "labels", regression: "number" } as const;

const held = { class: "classes", labels: "labels of which each is there or not", number: "numbers" } as const;

function findColumn(data: DataShape, head: HeadDescription, field: string): DataColumn {
  const kind = columnKinds[head.kind];
  const column = data.columns.find(({ name }) => name === head.column);
  if (column?.kind === kind) return column;
  const fitting = data.columns.filter((candidate) => candidate.kind === kind).map(({ name }) => name);
  const other = Object.entries(columnKinds).find(([, of]) => of === column?.kind)?.[0] ?? "";
  throw new UserError({
    where: `${field}.column`,
    what: column
      ? `a ${head.kind} head cannot learn "${head.column}", which holds ${held[column.kind]}`
      : `the task's data has no column "${head.column}"`,
    expected:
      fitting.length > 0
        ? `one of ${fitting.join(", ")}`
        : `data with a column of ${held[kind].replace(/ .*/, "")} to predict`,
    mend: column
      ? `use a ${other} head, or set the data's targetKind: "${kind}"`
      : "name the labels in the task's data, or leave the head out",
  });
}
