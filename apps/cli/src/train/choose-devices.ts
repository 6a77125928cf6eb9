import type { ResolvedJob } from "@latentweave/job";
import { findNativeRuntime, parseDevice, visibleCudaDevices } from "@latentweave/native";

/**
 * The devices that workers take in turn: those asked for, else every GPU that is visible here. Empty: a worker's
 * process takes what it finds, as on machines without a GPU and on those that ssh leads to.
 * @param visible the GPUs that the native runtime of this machine could use
 * @throws UserError for a name that is none
 */
export function chooseDevices(
  job: Pick<ResolvedJob, "launcher" | "compute">,
  asked: readonly string[],
  visible: () => readonly string[] = usableGpus,
): readonly string[] {
  for (const name of asked) parseDevice(name);
  if (asked.length > 0 || job.launcher.kind !== "local") return asked;
  const { backend } = job.compute;
  return backend === null || backend === "native" ? visible() : [];
}

function usableGpus(): readonly string[] {
  return findNativeRuntime()?.cuda === true ? visibleCudaDevices() : [];
}
