import path from "node:path";
import { readTable } from "@latentweave/checkpoint";
import { type ResolvedJob, resolveJob } from "@latentweave/job";
import type { RunSpec } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";

/** The job that a run was started with. @throws UserError when its file is not there or damaged */
export async function readRunJob(directory: string): Promise<ResolvedJob> {
  return resolveJob(await requiredTable(directory, "job.json"), path.join(directory, "job.json"));
}

/** What fixes the bits of a run. @throws UserError when its file is not there or damaged */
export async function readRunSpec(directory: string): Promise<RunSpec> {
  return (await requiredTable(directory, "spec.json")) as unknown as RunSpec;
}

/** @throws UserError when the file is not there or damaged */
export async function requiredTable(
  directory: string,
  file: string,
): Promise<Readonly<Record<string, unknown>>> {
  const table = await readTable(path.join(directory, file));
  if (table) return table;
  throw new UserError({
    what: `this run has no ${file}`,
    where: directory,
    mend: "name a run that `latentweave train` made",
  });
}
