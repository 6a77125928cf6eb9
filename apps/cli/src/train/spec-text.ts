import path from "node:path";
import { buildRunSpec } from "@latentweave/coordinator-engine";
import { prepare, type UserDatasets } from "@latentweave/datasets";
import { loadOwn } from "@latentweave/launch";
import { cacheDirectory, type PreparedManifest } from "@latentweave/protocol";
import { prepareInitialWeights } from "./initial-weights.ts";
import type { LaunchOptions } from "./launched-run.ts";
import { requireOwn } from "./require-own.ts";

/**
 * What fixes the bits of a run, as spec.json has it: prepares the data, where that has not been done, and the weights to
 * begin with in the run's folder, where the job names some.
 * @throws UserError for anything wrong with data or model
 */
export async function specText(options: LaunchOptions): Promise<string> {
  const { job, log } = options;
  const own = options.userModule === undefined ? undefined : await loadOwn(options.userModule);
  requireOwn(job, options.userModule ?? null, own);
  const user = own && {
    text: options.userModule as string,
    datasets: own.datasets as UserDatasets,
  };
  const manifests: Record<string, PreparedManifest> = {};
  for (const [taskName, task] of Object.entries(job.tasks))
    manifests[taskName] = await prepare(task.data, {
      taskName,
      baseDirectory: options.jobDirectory,
      cacheDirectory: cacheDirectory(),
      user,
      log,
    });
  const userModule = own ? { text: options.userModule as string, layers: own.layers } : null;
  const spec = buildRunSpec({ job, manifests, userModule });
  if (job.sampling)
    for (const { name, slots, microBatch, weight } of spec.tasks)
      log(
        `${name}: dealt${spec.sampling ? " at first" : ""} slots: ${slots}, microBatch: ${microBatch}, weight: ${Number(weight.toPrecision(6))}`,
      );
  if (job.start === null) return JSON.stringify(spec);
  const { runId, jobDirectory } = options;
  const directory = path.join(options.runsDirectory, runId);
  const hash = await prepareInitialWeights({
    ...{ start: job.start, spec, directory, runId, jobDirectory, log },
  });
  return JSON.stringify({ ...spec, initial: { hash } });
}
