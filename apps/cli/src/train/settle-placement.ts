import { createLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { LaunchOptions } from "./launched-run.ts";

/**
 * Parameters from which on shards beside the workers exchange faster than one of its own: a part then never leaves a
 * process, and every core takes part in the update; below, more shards are more messages. The measured exchanges of 16 and
 * 100 MB lie on either side of it (docs/benchmarks-matrix.md).
 */
const fewestBeside = 8_000_000;

/**
 * Where the shards of a run are, for a job that leaves it open. Changes no bit: a run may be resumed with another one.
 * Over ssh they stay with the coordinator.
 */
export function settlePlacement(options: LaunchOptions, spec: Pick<RunSpec, "groups">): LaunchOptions {
  const { launcher } = options.job;
  if (launcher.placement !== "auto") return options;
  const isLarge = launcher.kind === "local" && createLayout(spec.groups).parameters >= fewestBeside;
  const placement = isLarge ? "beside" : "dedicated";
  return { ...options, job: { ...options.job, launcher: { ...launcher, placement } } };
}
