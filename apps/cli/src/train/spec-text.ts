import { buildRunSpec } from "@latentweave/coordinator-engine";
import { prepare } from "@latentweave/datasets";
import { loadUserLayers } from "@latentweave/launch";
import { cacheDirectory, type PreparedManifest } from "@latentweave/protocol";
import type { LaunchOptions } from "./launched-run.ts";

/**
 * What fixes the bits of a run, as spec.json has it: prepares the data, where that has not been done.
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
  return JSON.stringify(buildRunSpec({ job, manifests, userModule }));
}
