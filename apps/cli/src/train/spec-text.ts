import path from "node:path";
import { buildRunSpec } from "@latentweave/coordinator-engine";
import { prepare } from "@latentweave/datasets";
import { loadUserLayers } from "@latentweave/launch";
import { cacheDirectory, type PreparedManifest } from "@latentweave/protocol";
import { prepareInitialWeights } from "./initial-weights.ts";
import type { LaunchOptions } from "./launched-run.ts";

/**
 * What fixes the bits of a run, as spec.json has it: prepares the data, where that has not been done, and the weights to
 * begin with in the run's folder, where the job names some.
 * @throws UserError for anything wrong with data or model
 */
export async function specText(options: LaunchOptions): Promise<string> {
  const { job, log } = options;
  const manifests: Record<string, PreparedManifest> = {};
  for (const [taskName, task] of Object.entries(job.tasks))
    manifests[taskName] = await prepare(task.data, {
      taskName,
      baseDirectory: options.jobDirectory,
      cacheDirectory: cacheDirectory(),
      log,
    });
  const userModule =
    options.userModule === undefined
      ? null
      : { text: options.userModule, layers: await loadUserLayers(options.userModule) };
  const spec = buildRunSpec({ job, manifests, userModule });
  if (job.sampling)
    for (const { name, slots, microBatch, weight } of spec.tasks)
      log(
        `${name}: dealt slots: ${slots}, microBatch: ${microBatch}, weight: ${Number(weight.toPrecision(6))}`,
      );
  if (job.start === null) return JSON.stringify(spec);
  const { runId, jobDirectory } = options;
  const directory = path.join(options.runsDirectory, runId);
  const hash = await prepareInitialWeights({
    ...{ start: job.start, spec, directory, runId, jobDirectory, log },
  });
  return JSON.stringify({ ...spec, initial: { hash } });
}
