import { z } from "zod";
import { faultSchema } from "../plan/fault.ts";
import { roleOf, type TargetRole } from "../plan/targets.ts";

/** The variable with which a process is told which faults are its own. Unset, which is always but in fault drills: none. */
export const faultsVariable = "LATENTWEAVE_FAULTS";

const settingSchema = z.object({
  /** Name of this part of the process, or of all of it: `worker-1`. */
  process: z.string(),
  /** What `faultFolder` takes. */
  folder: z.string(),
  /** With their numbers in the plan, counted from 1. */
  faults: z.array(z.object({ number: z.int().min(1), fault: faultSchema })),
  /** Folder whose disk this process is to pretend about; null: it has a disk that can be struck itself. */
  disk: z.string().nullable(),
  /** `host:port` → the `host:port` of a proxy to go through. */
  routes: z.record(z.string(), z.string()),
});

export type FaultSetting = z.infer<typeof settingSchema>;
export type NumberedFault = FaultSetting["faults"][number];

/** @param settings of the parts of one process: a worker, and the shard that may be beside it */
export function faultsEnvironment(...settings: readonly FaultSetting[]): Readonly<Record<string, string>> {
  return { [faultsVariable]: JSON.stringify(settings) };
}

/**
 * @returns that of the process's part with this role
 * @throws when the variable holds anything but what `faultsEnvironment` wrote
 */
export function readSetting(role: TargetRole, environment: NodeJS.ProcessEnv): FaultSetting | undefined {
  const text = environment[faultsVariable];
  if (text === undefined || text === "") return undefined;
  const settings = z.array(settingSchema).parse(JSON.parse(text));
  return settings.find((setting) => roleOf(setting.process) === role);
}
