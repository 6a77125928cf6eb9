import { exportBundle, importBundle } from "./bundle.ts";
import { installNative } from "./install.ts";
import { addons, ensureAddon } from "./addons/addon.ts";
import { stderrProgress } from "./progress.ts";

export interface SetupOptions {
  /** Copy the runtime to this folder afterwards, for machines without internet. */
  readonly bundle?: string;
  /** Take the runtime from such a folder instead of the network. */
  readonly fromBundle?: string;
  /** Say nothing when all is there already. */
  readonly quiet?: boolean;
}

/**
 * The `setup` verb: returns the exit code. 0 also where only a slower backend is available, since training works
 * then; 1 only where a bundle was asked for and there is nothing to bundle.
 */
export async function runSetup(
  options: SetupOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const progress = stderrProgress();
  if (options.fromBundle !== undefined) {
    for (const directory of importBundle(options.fromBundle, env))
      progress.line(`Copied the native runtime to ${directory}`);
  }
  const outcome = await installNative({ env, progress });
  if (outcome.kind === "unavailable") {
    if (options.bundle === undefined) return 0;
    progress.line("There is no native runtime to bundle.");
    return 1;
  }
  for (const { addon, without } of [
    { addon: addons.pageMap, without: "a lost shard costs the steps since the last checkpoint" },
    { addon: addons.kernels, without: "parameter-server shards add and update in WebAssembly" },
    { addon: addons.programs, without: "micro-batches are computed one operation at a time" },
  ]) {
    const state = await ensureAddon(addon, { env, progress });
    if (state.kind === "ready" || (!outcome.fresh && options.quiet === true)) continue;
    progress.line(`Without the addon for ${addon.title}, ${without}: ${state.reason}`);
    for (const text of state.advice) progress.line(`  to mend: ${text}`);
  }
  if (!outcome.fresh && options.quiet !== true) {
    for (const note of outcome.notes) progress.line(note);
    progress.line(
      `Native TensorFlow ${outcome.runtime.tensorflowVersion} is ready in ${outcome.runtime.directory}`,
    );
  }
  if (options.bundle !== undefined)
    progress.line(`Bundled into ${exportBundle(outcome.runtime, options.bundle)}`);
  return 0;
}
