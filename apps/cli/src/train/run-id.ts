import { existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "@latentweave/protocol";

/** The first of NAME-1, NAME-2, ... that is free. */
export function freeRunId(runsDirectory: string, jobName: string): string {
  const base = jobName.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|-+$/g, "") || "run";
  for (let number = 1; ; number++) {
    const runId = `${base}-${number}`;
    if (!existsSync(path.join(runsDirectory, runId))) return runId;
  }
}

/** @throws UserError for a name that could not be a folder everywhere, or would lead out of the folder of runs */
export function checkRunId(runId: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(runId)) return;
  throw new UserError({
    where: "--run-id",
    what: `"${runId}" cannot name a run`,
    expected: "a letter or digit, then letters, digits, '.', '_' or '-', 100 at most",
    mend: "choose another name",
    exitCode: 2,
  });
}
