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
  const kept = Object.entries(tasks).filter(([name]) => names.includes(name));
  const isAlone = (field: string): boolean =>
    kept.length === 1 && ["combiner", "regulariser"].includes(field);
  return {
    ...Object.fromEntries(Object.entries(job).filter(([field]) => !isAlone(field))),
    tasks: Object.fromEntries(kept),
  };
}

function mending(close: string | undefined): string {
  return close === undefined ? "name tasks of the job, with commas between" : `did you mean "${close}"?`;
}
