import type { ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { Moment, Probe } from "@latentweave/protocol";
import type { Watch } from "../checks/watch.ts";
import type { PlantedBug } from "../planted/planted-bug.ts";
import type { Schedule } from "../schedule/schedule.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { Disk } from "../world/disk.ts";
import type { Network } from "../world/network.ts";
import type { SimProcess } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { HostMemory } from "./host-memory.ts";

/** What the processes of one simulated run live in. */
export interface World {
  readonly schedule: Schedule;
  readonly spec: RunSpec;
  /** As every process gets it. */
  readonly specText: string;
  readonly layout: ParameterLayout;
  readonly clock: VirtualClock;
  readonly network: Network;
  /** The coordinator's. */
  readonly disk: Disk;
  /** What outlives a process on its host. */
  readonly vaults: HostMemory;
  readonly watch: Watch;
  readonly bug: PlantedBug;
  /** Added to each operation of the disk while it is slow. */
  diskExtraMs: number;
  /** How far the coordinator's wall clock has jumped. */
  wallJumpMs: number;
  random(stream: string): Random;
  /** The coordinator's host loses its power: its disk keeps what was synced, and more or less of the rest. */
  powerCut(): void;
  /** A process passes a moment of its engine; may end it. */
  moment(process: SimProcess, moment: Moment, step: number): void;
}

export const runId = "simulated";

export function withProbe<Options extends object>(
  options: Options,
  world: World,
  process: SimProcess,
): Options & { readonly probe: Probe } {
  return { ...options, probe: (moment, step) => world.moment(process, moment, step) };
}
