import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";
import { proximalRegularisers, regulariserFields } from "./regulariser-schema.ts";

const path = (...rest: readonly PropertyKey[]): readonly PropertyKey[] => ["regulariser", ...rest];

/** What no single field of the regulariser shows. */
export function checkRegulariser(job: ParsedJob): readonly Problem[] {
  const { omega, lambda } = job.regulariser;
  if (omega === "none")
    return lambda > 0
      ? [
          {
            path: path("lambda"),
            what: `got ${lambda}, which does nothing while omega is "none"`,
            expected: 'lambda: 0, or another omega, such as "mean"',
            mend: "change one of them",
          },
          ...foreignFields(job),
        ]
      : foreignFields(job);
  return [
    ...foreignFields(job),
    ...checkTasks(job),
    ...checkMode(job),
    ...checkOwn(job),
    ...checkUser(job.regulariser),
  ];
}

function checkUser({ omega, name }: ParsedJob["regulariser"]): Problem[] {
  if (omega !== "user" || name !== undefined) return [];
  return [
    {
      path: path("name"),
      what: "is missing",
      expected: "the name that the regulariser has in the job's extension",
      mend: "add name",
    },
  ];
}

/** A field of another regulariser is most likely a wrong omega. */
function foreignFields({ regulariser }: ParsedJob): Problem[] {
  const { omega } = regulariser;
  const own = regulariserFields[omega];
  return Object.entries(regulariserFields)
    .flatMap(([name, fields]) => fields.map((field) => ({ name, field })))
    .filter(({ field }) => regulariser[field] !== undefined && !own.includes(field))
    .filter(({ field }, place, all) => all.findIndex((other) => other.field === field) === place)
    .map(({ name, field }) => ({
      path: path(field),
      what: `is set, but "${omega}" does not read it`,
      expected: own.length > 0 ? `of its own: ${own.join(", ")}` : "nothing beside omega, lambda and on",
      mend: `remove it, or write omega: "${name}"`,
    }));
}

function checkTasks({ regulariser: { omega }, tasks }: ParsedJob): Problem[] {
  if (Object.keys(tasks).length !== 1) return [];
  return [
    {
      path: path("omega"),
      what: `got "${omega}", but there is one task: there are none to relate`,
      expected: '"none", or two tasks and more',
      mend: "leave regulariser out, or add a task",
    },
  ];
}

function checkMode({ regulariser: { omega }, mode, optimiser, compression }: ParsedJob): Problem[] {
  if (mode.kind === "diloco")
    return [
      {
        path: path("omega"),
        what: `got "${omega}", which needs a gradient in every step; in the mode "diloco" the parameter server sees none`,
        expected: '"none", or the mode "sync"',
        mend: "change one of them",
      },
    ];
  if (!proximalRegularisers.includes(omega)) return [];
  const problems: Problem[] = [];
  if (optimiser.kind !== "sgd" && optimiser.kind !== "momentum")
    problems.push({
      path: ["optimiser", "kind"],
      what: `got "${optimiser.kind}"; "${omega}" takes a proximal step after the optimiser's, whose length would have to be one for all numbers`,
      expected: '"sgd" or "momentum"',
      mend: `write optimiser: { kind: "momentum", learningRate: 0.01 }, or another omega`,
    });
  if (compression.broadcast || compression.auto)
    problems.push({
      path: ["compression", compression.auto ? "auto" : "broadcast"],
      what: `rounds what the optimiser changes, and "${omega}" changes it again afterwards`,
      expected: "weights that are sent whole, or another omega",
      mend: "remove it",
    });
  return problems;
}

function checkOwn(job: ParsedJob): Problem[] {
  const { omega, clusters } = job.regulariser;
  const tasks = Object.keys(job.tasks);
  if (omega === "graph") return checkGraph(job);
  if (omega !== "clustered") return [];
  if (clusters === undefined)
    return [
      {
        path: path("clusters"),
        what: "is missing",
        expected: "into how many clusters the tasks are to fall",
        mend: `add clusters: ${Math.max(1, Math.round(tasks.length / 4))}, say`,
      },
    ];
  if (clusters < tasks.length) return [];
  return [
    {
      path: path("clusters"),
      what: `got ${clusters}, with ${tasks.length} tasks`,
      expected: `fewer clusters than tasks: 1 to ${tasks.length - 1}`,
      mend: "change clusters",
    },
  ];
}

function checkGraph({ regulariser, tasks }: ParsedJob): Problem[] {
  const names = Object.keys(tasks);
  const given = regulariserFields.graph.filter((field) => regulariser[field] !== undefined);
  if (given.length !== 1)
    return [
      {
        path: path(given[1] ?? "edges"),
        what: given.length === 0 ? "is missing: there is no graph" : `is set, besides ${given[0] ?? ""}`,
        expected: "exactly one of edges, similarity and laplacian",
        mend:
          given.length === 0
            ? `add edges: [{ between: ["${names[0] ?? "a"}", "${names[1] ?? "b"}"] }]`
            : "keep one of them",
      },
    ];
  const { edges, similarity, laplacian } = regulariser;
  if (edges) return edges.flatMap((edge, index) => checkEdge(edge.between, index, names, edges));
  const field = similarity ? "similarity" : "laplacian";
  const matrix = similarity ?? laplacian ?? [];
  const shape = matrix.findIndex((row) => row.length !== names.length);
  if (matrix.length !== names.length || shape >= 0)
    return [
      {
        path: path(field),
        what:
          matrix.length !== names.length
            ? `has ${matrix.length} rows`
            : `row ${shape} has ${matrix[shape]?.length ?? 0} numbers`,
        expected: `${names.length} rows of ${names.length} numbers, in the order of the tasks: ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`,
        mend: "complete the matrix, or write edges",
      },
    ];
  for (const [row, line] of matrix.entries())
    for (const [column, value] of line.entries()) {
      const mirrored = matrix[column]?.[row];
      if (mirrored !== value)
        return [
          {
            path: path(field, row, column),
            what: `got ${value}, but [${column}][${row}] is ${String(mirrored)}`,
            expected: "a symmetric matrix",
            mend: "give both the same number",
          },
        ];
      if (similarity && value < 0)
        return [
          {
            path: path(field, row, column),
            what: `got ${value}: "${names[row] ?? ""}" and "${names[column] ?? ""}" would be driven apart without bound`,
            expected: "0 or more",
            mend: "write 0 for tasks that have nothing to do with each other",
          },
        ];
    }
  if (similarity) return [];
  const odd = indefiniteAt(matrix);
  return odd === undefined
    ? []
    : [
        {
          path: path(field),
          what: `is not positive semidefinite: there is a direction among the first ${odd + 1} tasks along which Ω falls below 0`,
          expected: "a matrix with no negative eigenvalue, such as D − S of a graph with weights S",
          mend: "raise the diagonal, or write similarity, from which the Laplacian is made",
        },
      ];
}

function checkEdge(
  between: readonly [string, string],
  index: number,
  names: readonly string[],
  edges: NonNullable<ParsedJob["regulariser"]["edges"]>,
): Problem[] {
  const unknown = between.findIndex((name) => !names.includes(name));
  if (unknown >= 0)
    return [
      {
        path: path("edges", index, "between", unknown),
        what: `there is no task "${between[unknown] ?? ""}"`,
        expected: `one of ${names.join(", ")}`,
        mend: "write another task, or remove the edge",
      },
    ];
  const isSame = (other: readonly [string, string]): boolean =>
    [...other].sort().join("\0") === [...between].sort().join("\0");
  if (between[0] !== between[1] && edges.findIndex((edge) => isSame(edge.between)) === index) return [];
  return [
    {
      path: path("edges", index, "between"),
      what:
        between[0] === between[1]
          ? `both are "${between[0]}"`
          : `"${between.join('" and "')}" have an edge already`,
      expected: "two tasks, and one edge for each pair",
      mend: "remove it",
    },
  ];
}

/**
 * By Cholesky's factorisation: the first row at which a symmetric matrix turns out not to be positive semidefinite, beyond
 * what rounding explains. Undefined where it is.
 */
function indefiniteAt(matrix: readonly (readonly number[])[]): number | undefined {
  const largest = Math.max(...matrix.map((row, index) => Math.abs(row[index] ?? 0)));
  const tolerance = largest * matrix.length * 1e-12;
  const lower: number[][] = [];
  for (const [row, line] of matrix.entries()) {
    const own: number[] = [];
    for (let column = 0; column < row; column++) {
      const other = lower[column] as number[];
      const pivot = other[column] as number;
      let rest = line[column] as number;
      for (let k = 0; k < column; k++) rest -= (own[k] as number) * (other[k] as number);
      // A pivot of zero leaves nothing that could take off the rest.
      if (pivot === 0 && Math.abs(rest) > Math.sqrt(tolerance * largest)) return row;
      own.push(pivot === 0 ? 0 : rest / pivot);
    }
    const rest = own.reduce((sum, value) => sum - value * value, line[row] as number);
    if (rest < -tolerance) return row;
    own.push(rest > tolerance ? Math.sqrt(rest) : 0);
    lower.push(own);
  }
  return undefined;
}
