import type { Compute } from "@latentweave/model";
import type { Moment, Probe } from "@latentweave/protocol";
import { faultFolder } from "../journal/fault-folder.ts";
import { type DiskWriter, hookDisk, hookWriter } from "./disk-hook.ts";
import { createProbe } from "./probe.ts";
import { readSetting } from "./setting.ts";
import { strikeCompute } from "./strike-compute.ts";

/** The faults that a process does to itself, exactly when its plan says. */
export interface OwnFaults<Own extends Moment> {
  /** For the engine. */
  readonly probe: Probe<Own>;
  /** For a worker: notes what is computed, and spoils what the plan wants spoiled. */
  wrapCompute(compute: Compute): Compute;
  /** For a coordinator: what writes its checkpoints is refused what a full or closed disk refuses. */
  wrapDisk<Writer extends DiskWriter>(writer: Writer): Writer;
  /** Where to dial in place of this address: the same, or a proxy that stands before it. */
  reroute(url: string): string;
}

/**
 * From the environment that a fault drill starts its processes with.
 * @returns undefined outside drills
 */
export function readOwnFaults<Own extends Moment>(
  role: "worker" | "shard" | "coordinator",
  environment: NodeJS.ProcessEnv = process.env,
): OwnFaults<Own> | undefined {
  const setting = readSetting(role, environment);
  if (!setting) return undefined;
  const folder = faultFolder(setting.folder);
  if (setting.disk !== null) hookDisk(folder, setting.disk);
  return {
    probe: createProbe(setting, folder, role),
    wrapCompute: (compute) => strikeCompute(compute, setting, folder),
    wrapDisk: (writer) => (setting.disk === null ? writer : hookWriter(folder, writer)),
    reroute(address) {
      const url = new URL(address);
      const through = setting.routes[url.host];
      if (through === undefined) return address;
      url.host = through;
      return url.href;
    },
  };
}
