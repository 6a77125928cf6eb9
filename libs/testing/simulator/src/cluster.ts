import { type Arithmetic, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { type Coordinator, createCoordinator, type Outcome } from "@latentweave/coordinator-engine";
import type { RowRef } from "@latentweave/data";
import type { Compute } from "@latentweave/model";
import { createShard, type Shard } from "@latentweave/parameter-server-engine";
import { createLayout } from "@latentweave/parameters";
import { type RunSpec, stateSections, type TaskSpec } from "@latentweave/plan";
import type { Channel, CheckpointSource } from "@latentweave/protocol";
import { createWorker, type RowReader, type Worker } from "@latentweave/worker-engine";
import { createMemoryStore, type MemoryRunStore } from "./memory-store.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { createChannelPair, type Delay } from "./sim-channel.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

const runId = "simulated";

/** Rows of the simulated tasks: functions of (task, row), so that nothing is stored. */
export type RowSourceOf = (task: TaskSpec) => RowReader;

export interface SimulatedWorker {
  readonly workerId: string;
  readonly worker: Worker;
  /** Cuts its connections without a word, as `kill -9` does. */
  kill(): void;
}

export interface Cluster {
  readonly clock: VirtualClock;
  readonly coordinator: Coordinator;
  readonly store: MemoryRunStore;
  addWorker(workerId: string, slowness?: number): SimulatedWorker;
  /** Runs virtual time until the run has ended. @throws when it does not end within `limitMs`. */
  finish(limitMs?: number): Promise<Outcome>;
  runUntil(done: () => boolean): Promise<void>;
}

/** A whole cluster in one process and in virtual time: the real engines, a simulated network, a plain compute. */
export function createCluster(options: {
  readonly spec: RunSpec;
  readonly shards: number;
  readonly expectedWorkers: number;
  readonly rows: RowSourceOf;
  /** Seeds the network's delays. */
  readonly seed: number;
  readonly resume?: CheckpointSource;
  readonly computeOf?: () => Compute;
  /** How long messages travel; default: some milliseconds, drawn from the seed. */
  readonly delay?: Delay;
  /** Of each micro-batch; default: drawn too. */
  readonly computeMs?: number;
  /** Of each shard and worker; a test looks at what they hold. */
  readonly arithmeticOf?: () => Arithmetic;
}): Cluster {
  const { spec, seed } = options;
  const clock = createVirtualClock();
  const arithmeticOf = options.arithmeticOf ?? loadArithmetic;
  const store = createMemoryStore(createLayout(spec.groups), options.resume);
  const drawn = createDelay(seed);
  const delay = options.delay ?? drawn;
  const computeMs = options.computeMs === undefined ? drawn : (): number => options.computeMs ?? 0;
  const connect = (from: string, to: string): ReturnType<typeof createChannelPair> =>
    createChannelPair(clock, delay, [from, to]);
  let outcome: Outcome | undefined;

  const coordinator = createCoordinator({
    runId,
    runKey: runId,
    spec,
    specText: JSON.stringify(spec),
    shards: options.shards,
    expectedWorkers: options.expectedWorkers,
    generation: 1,
    resume: options.resume,
    succeeds: undefined,
    runClass: undefined,
    quarantined: [],
    optimiserSections: stateSections(spec),
    store,
    clock,
    wallMs: () => clock.nowMs(),
    shardAddress: (index) => `shard-${index}`,
    dataLocation: () => ({ kind: "directory", at: "simulated" }),
    facts: {},
    log: () => undefined,
  });
  coordinator.ended.then(
    (result) => {
      outcome = result;
    },
    () => undefined,
  );

  const shards: Shard[] = Array.from({ length: options.shards }, (_, index) =>
    createShard({
      runId,
      index,
      shards: options.shards,
      arithmetic: arithmeticOf(),
      clock,
      keepShard(address, onChannel) {
        const [mine, theirs] = connect(`shard-${index}`, address);
        (shards[Number(address.slice("shard-".length))] as Shard).accept(theirs);
        onChannel(mine);
        return { stop: () => mine.close(1000, "stopped") };
      },
      identity: { host: "simulated", pid: index, software: "simulator", port: 1 + index },
      residentBytes: () => 0,
      log: () => undefined,
    }),
  );
  for (const [index, shard] of shards.entries()) {
    shard.ended.catch(() => undefined);
    const [mine, theirs] = connect(`shard-${index}`, "coordinator");
    coordinator.accept(theirs);
    shard.join(mine);
  }

  const addWorker = (workerId: string, slowness = 1): SimulatedWorker => {
    const cuts: (() => void)[] = [];
    const worker = createWorker({
      runId,
      workerId,
      arithmetic: arithmeticOf(),
      clock,
      compute: (options.computeOf ?? createPlainCompute)(),
      canary: async () => "plain",
      openRows: async (task: TaskSpec) => options.rows(task),
      keepShard(address: string, onChannel: (channel: Channel) => void) {
        const pair = connect(workerId, address);
        cuts.push(() => pair.cut("killed"));
        shards[Number(address.slice("shard-".length))]?.accept(pair[1]);
        onChannel(pair[0]);
        return { stop: () => pair[0].close(1000, "stopped") };
      },
      identity: { host: "simulated", pid: 1, software: "simulator" },
      residentBytes: () => 0,
      beforeMicroBatch: () => new Promise<void>((resolve) => clock.after(computeMs() * slowness, resolve)),
      log: () => undefined,
    });
    const pair = connect(workerId, "coordinator");
    cuts.push(() => pair.cut("killed"));
    coordinator.accept(pair[1]);
    worker.join(pair[0]);
    return {
      workerId,
      worker,
      kill: () => {
        for (const cut of cuts) cut();
      },
    };
  };

  return {
    clock,
    coordinator,
    store,
    addWorker,
    async runUntil(done) {
      await clock.run(() => done() || outcome !== undefined, Number.POSITIVE_INFINITY);
    },
    async finish(limitMs = 3_600_000) {
      const how = await clock.run(() => outcome !== undefined, limitMs);
      if (outcome) return outcome;
      const snapshot = coordinator.snapshot();
      throw new Error(`the simulated run did not end (${how}): ${snapshot.state} at step ${snapshot.step}`);
    },
  };
}

/** Delays between 0.1 and 3 ms, a sequence fixed by the seed. */
function createDelay(seed: number): () => number {
  const arithmetic = loadArithmetic();
  const numbers = 1024;
  const pointer = arithmetic.allocate(numbers * 4);
  let drawn = 0;
  return () => {
    if (drawn % numbers === 0)
      arithmetic.fillUniform(pointer, numbers, randomKey(seed, "delay"), drawn, 0.1, 3);
    return arithmetic.f32(pointer, numbers)[drawn++ % numbers] as number;
  };
}

/** Keyed random rows in [0, 1) with class labels: every (task, split, row) has its own draws. */
export function randomRows(width: number, classes: number): RowSourceOf {
  return (task) => {
    const arithmetic = loadArithmetic();
    const pointer = arithmetic.allocate(width * 4);
    const draw = (split: string, ref: RowRef): Float32Array => {
      arithmetic.fillUniform(pointer, width, randomKey(1, task.name, split, ref.shard, ref.row), 0, 0, 1);
      return arithmetic.f32(pointer, width).slice();
    };
    return {
      async rows(split, refs) {
        const x = new Float32Array(refs.length * width);
        const y = new Int32Array(refs.length);
        for (const [place, ref] of refs.entries()) {
          x.set(draw(split, ref), place * width);
          y[place] = (ref.shard + ref.row) % classes;
        }
        return { x, columns: { y } };
      },
      prefetch: () => undefined,
      fetchedBytes: 0,
      close: async () => undefined,
    };
  };
}
