import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import type { OpenedRun, OpenedTask } from "./open-run.ts";

/** @param flag by which the task was named @throws UserError when the run has no task of this name */
export function namedTask(run: OpenedRun, flag: string, name: string): OpenedTask {
  const names = run.tasks.map((task) => task.name);
  const found = run.tasks.find((task) => task.name === name);
  if (found) return found;
  const close = nearest(name, names);
  throw new UserError({
    where: flag,
    what: `run ${run.runId} has no task "${name}"`,
    expected: `one of ${names.join(", ")}`,
    mend: close === undefined ? `name one with ${flag}` : `did you mean "${close}"?`,
    exitCode: 2,
  });
}
