import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";

/**
 * A job with these of its tasks alone, in its own order: as many steps, and as many samples of each in a step. What is
 * left alone has nothing to be combined with or related to, so that it is the task's plain baseline.
 * @param job unchecked
 * @throws UserError for a name that is no task's
 */
export function withSomeTasks(job: unknown, names: readonly string[]): unknown {
  if (typeof job !== "object" || job === null || !("tasks" in job)) return job;
  const { tasks } = job;
  if (typeof tasks !== "object" || tasks === null) return job;
  const known = Object.keys(tasks);
  for (const name of names)
    if (!known.includes(name))
      throw new UserError({
        where: "--tasks",
        what: `the job has no task "${name}"`,
        expected: `some of ${known.join(", ")}`,
        mend: mending(nearest(name, known)),
        exitCode: 2,
      });
  if ("sampling" in job && job.sampling != null && names.length < known.length)
    throw new UserError({
      where: "sampling",
      what: "deals a step's samples by the rows of all tasks, of which only some are taken",
      expected:
        "each task's own microBatch and slots, so that the whole job and its parts train on as many samples",
      mend: "write in place of sampling what training the whole job says that it has dealt",
      exitCode: 2,
    });
  const kept = Object.entries(tasks).filter(([name]) => names.includes(name));
  const places = known.flatMap((name, at) => (names.includes(name) ? [at] : []));
  const isAlone = (field: string): boolean =>
    kept.length === 1 && ["combiner", "regulariser"].includes(field);
  return {
    ...Object.fromEntries(Object.entries(job).filter(([field]) => !isAlone(field))),
    ...("regulariser" in job && kept.length > 1
      ? { regulariser: relating(job.regulariser, known, places) }
      : {}),
    tasks: Object.fromEntries(kept),
  };
}

/** What a regulariser says of pairs of tasks, of those alone that are left. Whatever else it holds is for the schema. */
function relating(regulariser: unknown, known: readonly string[], places: readonly number[]): unknown {
  if (typeof regulariser !== "object" || regulariser === null) return regulariser;
  const left = new Set(places.map((at) => known[at]));
  return Object.fromEntries(
    Object.entries(regulariser).map(([field, value]: [string, unknown]) => {
      if (!Array.isArray(value)) return [field, value];
      const entries: readonly unknown[] = value;
      if (field === "edges") return [field, entries.filter((edge) => isBetween(edge, left))];
      const rows = entries.length === known.length && entries.every((row) => Array.isArray(row));
      return [
        field,
        rows ? places.map((row) => places.map((column) => (entries[row] as unknown[])[column])) : value,
      ];
    }),
  );
}

function isBetween(edge: unknown, tasks: ReadonlySet<unknown>): boolean {
  if (typeof edge !== "object" || edge === null || !("between" in edge) || !Array.isArray(edge.between))
    return true;
  return edge.between.every((task: unknown) => tasks.has(task));
}

function mending(close: string | undefined): string {
  return close === undefined ? "name tasks of the job, with commas between" : `did you mean "${close}"?`;
}
