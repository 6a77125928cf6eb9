import { type Coordinator, createCoordinator, type Outcome } from "@latentweave/coordinator-engine";
import { stateSections } from "@latentweave/plan";
import type { CheckpointSink, RunStore } from "@latentweave/protocol";
import type { Watch } from "../checks/watch.ts";
import type { SimProcess } from "../world/process.ts";
import { type DiskStore, openDiskStore } from "./disk-store.ts";
import type { Started } from "./run-worker.ts";
import { createSlowDisk } from "./slow-disk.ts";
import { runId, withProbe, type World } from "./world.ts";

export interface StartedCoordinator extends Started {
  /** Undefined while it opens the run. */
  readonly coordinator: Coordinator | undefined;
  /** The run has an outcome, and everybody was told to finish. */
  readonly over: boolean;
}

/** The coordinator as a process: opens the run on its disk, goes on from what is there, and listens. */
export function startCoordinator(
  world: World,
  process: SimProcess,
  resumes: boolean,
  /** The one before was lost, and its shards and workers go on. */
  successor: boolean,
  on: {
    readonly ended: (outcome: Outcome) => void;
    /** The run could not be opened, or not be closed. */
    readonly failed: (error: unknown) => void;
  },
): StartedCoordinator {
  const { spec, watch } = world;
  const slow = createSlowDisk({
    disk: world.disk,
    clock: process.clock,
    random: world.random(`disk at ${world.clock.nowMs()}`),
    extraMs: () => world.diskExtraMs,
  });
  let coordinator: Coordinator | undefined;
  let over = false;

  const open = async (): Promise<void> => {
    const store = openDiskStore(slow, world.layout, world.bug.omit);
    const before = store.readState();
    const resume = resumes ? await store.latestCheckpoint() : undefined;
    if (resumes) watch.reopened(resume?.version ?? 0, store.ledgerEnd);
    const generation = numberIn(before, "generation") + (world.bug.omit?.generation === true ? 0 : 1);
    // Before anybody hears of it: a generation is never used twice.
    await store.writeState({ ...before, generation });
    watch.launched(generation);
    const options = {
      runId,
      runKey: runId,
      spec,
      specText: world.specText,
      shards: world.schedule.shards,
      expectedWorkers: world.schedule.workers,
      generation,
      resume,
      runClass: undefined,
      // One that resumes an interrupted run is no successor.
      succeeds: successor
        ? { startedAtMs: 0, stopping: before?.["state"] === "stopping" ? "Ctrl-C" : undefined }
        : undefined,
      quarantined: [],
      optimiserSections: stateSections(spec),
      store: watched(store, process, watch),
      clock: process.clock,
      wallMs: () => world.clock.nowMs() + world.wallJumpMs,
      shardAddress: (index: number) => `shard-${index}`,
      dataLocation: () => ({ kind: "directory", at: "simulated" }) as const,
      facts: {},
      log: () => undefined,
    };
    const created = createCoordinator(withProbe(options, world, process));
    coordinator = created;
    world.network.listen(process, (channel) => created.accept(channel));
    const outcome = await created.ended;
    over = true;
    if (process.state === "dead") return;
    // A full disk may refuse; the outcome stands.
    await store.close().catch(() => undefined);
    // Events of the dead reach nobody: asked again, for closing took its time.
    if (isAlive(process)) on.ended(outcome);
  };

  process.enter(() => {
    open().catch((error: unknown) => {
      if (process.state !== "dead") on.failed(error);
    });
  });
  return {
    get coordinator() {
      return coordinator;
    },
    get over() {
      return over;
    },
    release: () => undefined,
    leave: () => undefined,
  };
}

function isAlive(process: SimProcess): boolean {
  return process.state !== "dead";
}

function numberIn(state: Readonly<Record<string, unknown>> | undefined, name: string): number {
  const value = state?.[name];
  return typeof value === "number" ? value : 0;
}

/** The store, with somebody looking on. */
function watched(store: DiskStore, process: SimProcess, watch: Watch): RunStore {
  return {
    ...store,
    get ledgerEnd() {
      return store.ledgerEnd;
    },
    appendCommit(record) {
      if (process.state === "dead") return false;
      const isNew = store.appendCommit(record);
      if (isNew) watch.recorded(record);
      return isNew;
    },
    async appendTimeline(record) {
      await store.appendTimeline(record);
      if (process.state !== "dead") watch.timeline(record);
    },
    async beginCheckpoint(version, sections) {
      const sink = await store.beginCheckpoint(version, sections);
      const finish: CheckpointSink["finish"] = async (meta) => {
        const result = await sink.finish(meta);
        if (process.state !== "dead") watch.durable(version);
        return result;
      };
      return { ...sink, finish };
    },
  };
}
