import { loadArithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import { createLayout, ownership } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import {
  type Channel,
  type Clock,
  type Lease,
  type Message,
  type MessageOf,
  protocolVersion,
} from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { randomRows } from "./cluster.ts";
import { createFakePeer, type FakePeer } from "./fake-peer.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";
import { createVirtualClock } from "./virtual-clock.ts";
import { createWorker, type Worker, type WorkerEnd } from "@latentweave/worker-engine";

const runId = "r";
const spec = smallSpec({ steps: 3, evaluation: null });
const layout = createLayout(spec.groups);

interface Scene {
  readonly worker: Worker;
  readonly coordinator: FakePeer;
  /** The newest connection of the first shard, or of another. */
  shard(index?: number): FakePeer;
  /** Another connection of that shard, as a reconnection gives. */
  reconnect(): FakePeer;
  readonly end: () => WorkerEnd | undefined;
  rejoin(): FakePeer;
}

async function welcomed(
  runSpec: RunSpec = spec,
  onRead: (rows: number) => void = () => undefined,
  /** Absent: the worker waits a millisecond before each micro-batch, and the device takes no time. */
  device?: { readonly slotMs: number; readonly log: string[] },
  count = 1,
): Promise<Scene> {
  const clock = createVirtualClock();
  let onShard: (channel: Channel) => void = () => undefined;
  const shards: FakePeer[] = [];
  const reconnect = (): FakePeer => (shards[0] = createFakePeer(clock, "shard-0", onShard));
  const worker = createWorker({
    runId,
    workerId: "w",
    arithmetic: loadArithmetic(),
    clock,
    compute: device ? timed(createPlainCompute(), clock, device) : createPlainCompute(),
    canary: async () => "plain",
    async openRows(task) {
      const reader = randomRows(smallWidth, smallClasses)(task);
      return {
        ...reader,
        rows(split, refs, columns) {
          onRead(refs.length);
          return reader.rows(split, refs, columns);
        },
      };
    },
    keepShard(address, onChannel) {
      if (address === "shard-0") {
        onShard = onChannel;
        reconnect();
      } else shards.push(createFakePeer(clock, address, onChannel));
      return { stop: () => undefined };
    },
    identity: { host: "h", pid: 1, software: "test" },
    residentBytes: () => 0,
    ...(!device && { beforeMicroBatch: () => new Promise((resolve) => clock.after(1, resolve)) }),
    ...(device && {
      probe(moment) {
        if (moment === "before-push") device.log.push("push");
      },
    }),
    log: () => undefined,
  });
  let end: WorkerEnd | undefined;
  void worker.ended.then((result) => {
    end = result;
  });
  const rejoin = (): FakePeer => createFakePeer(clock, "coordinator", (channel) => worker.join(channel));
  const coordinator = rejoin();
  await coordinator.say(welcome(runSpec, count));
  return {
    worker,
    coordinator,
    shard: (index = 0) => {
      const shard = shards[index];
      if (!shard) throw new Error("the worker has not dialled the shard");
      return shard;
    },
    reconnect,
    end: () => end,
    rejoin,
  };
}

/** A device that takes its time, and says when it begins and ends. */
function timed(
  compute: Compute,
  clock: Clock,
  { slotMs, log }: { readonly slotMs: number; readonly log: string[] },
): Compute {
  return {
    ...compute,
    async run(batch) {
      const name = `${batch.step}:${batch.task}:${batch.slot}`;
      log.push(`begin ${name}`);
      await new Promise<void>((resolve) => clock.after(slotMs, resolve));
      log.push(`end ${name}`);
      return compute.run(batch);
    },
  };
}

const welcome = (runSpec: RunSpec, count = 1): Message => ({
  type: "welcome",
  runId,
  generation: 1,
  runKey: "key",
  spec: JSON.stringify(runSpec),
  shards: Array.from({ length: count }, (_, index) => `shard-${index}`),
  data: { kind: "directory", at: "d" },
});

const assignment = (quorumId: number, leases: Lease[]): Message => ({
  type: "assignment",
  runId,
  quorumId,
  rank: 0,
  worldSize: 1,
  leases,
  audits: [],
});

/** Weights of one half everywhere, as version `step`. */
async function broadcast(
  shard: FakePeer,
  step: number,
  quorumId: number,
  [index, count] = [0, 1],
): Promise<void> {
  const slices = ownership(layout, count)[index] ?? [];
  await shard.say(
    { type: "broadcast", runId, timeline: 0, step, round: 0, quorumId, index, slices: [...slices] },
    slices.map(({ numbers }) => new Uint8Array(new Float32Array(numbers).fill(0.5).buffer)),
  );
}

const nodesOf = (pushes: readonly MessageOf<"push">[]): string[] =>
  pushes.map(({ task, node }) => `${task}:${node.level}.${node.index}`);

describe("a worker's step", () => {
  it("computes nothing before its canary, its assignment and the weights of that membership are there", async () => {
    const scene = await welcomed();
    expect(scene.coordinator.last("canary").digest).toBe("plain");
    expect(scene.shard().last("attach")).toMatchObject({ workerId: "w", protocol: protocolVersion });
    await scene.coordinator.say(assignment(2, [{ task: "first", start: 0, end: 5 }]));
    await broadcast(scene.shard(), 0, 1);
    expect(scene.shard().all("push")).toEqual([]);
    await broadcast(scene.shard(), 0, 2);
    expect(nodesOf(scene.shard().all("push"))).toEqual(["first:3.0"]);
  });

  it("pushes each maximal node of its lease once, and reports the step once", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 1, end: 4 }, { task: "second", start: 2, end: 3 }])); // prettier-ignore
    await broadcast(scene.shard(), 0, 1);
    expect(nodesOf(scene.shard().all("push"))).toEqual(["first:0.1", "first:1.1", "second:1.1"]);
    expect(scene.coordinator.all("worker-report")).toMatchObject([
      { steps: [{ step: 0, microBatches: 4, samples: 18 }] },
    ]);
  });

  it("reads the first rows of the next step while its weights are being made, and each micro-batch's once", async () => {
    const reads: number[] = [];
    const scene = await welcomed(spec, (rows) => reads.push(rows));
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 2 }]));
    await broadcast(scene.shard(), 0, 1);
    expect(reads).toEqual([4, 4, 4]);
    await broadcast(scene.shard(), 1, 1);
    expect(reads).toEqual([4, 4, 4, 4, 4]);
    await broadcast(scene.shard(), 2, 1);
    expect(reads).toEqual([4, 4, 4, 4, 4, 4]);
  });

  it("sends each micro-batch while the device computes the next", async () => {
    const log: string[] = [];
    const scene = await welcomed(spec, undefined, { slotMs: 10, log });
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 3 }]));
    await broadcast(scene.shard(), 0, 1);
    expect(log).toEqual([
      ...["begin 0:first:0", "end 0:first:0"],
      ...["begin 0:first:1", "push", "end 0:first:1"],
      ...["begin 0:first:2", "push", "end 0:first:2"],
      "push",
    ]);
    expect(nodesOf(scene.shard().all("push"))).toEqual(["first:1.0", "first:0.2"]);
  });

  it("lets the device end what belongs to a step that is over, then begins with the next, and sends nothing of it", async () => {
    const log: string[] = [];
    const scene = await welcomed(spec, undefined, { slotMs: 400, log });
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 1, end: 4 }]));
    // What is said settles in a second: two micro-batches and a half.
    await broadcast(scene.shard(), 0, 1);
    await broadcast(scene.shard(), 1, 1);
    expect(log.slice(0, 8)).toEqual([
      ...["begin 0:first:1", "end 0:first:1"],
      ...["begin 0:first:2", "push", "end 0:first:2"],
      ...["begin 0:first:3", "push", "end 0:first:3"],
    ]);
    expect(log[8]).toBe("begin 1:first:1");
    const ofStep = (wanted: number): string[] =>
      nodesOf(
        scene
          .shard()
          .all("push")
          .filter(({ step }) => step === wanted),
      );
    expect(ofStep(0)).toEqual(["first:0.1"]);
    expect(scene.coordinator.all("worker-report").flatMap(({ steps }) => steps)).toMatchObject([
      { step: 0, microBatches: 1, samples: 4 },
      { step: 0, microBatches: 2, samples: 8 },
    ]);
  });

  it("does not use what it read ahead under a lease that it has no more", async () => {
    const reads: number[] = [];
    const scene = await welcomed(spec, (rows) => reads.push(rows));
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 1 }]));
    await broadcast(scene.shard(), 0, 1);
    await scene.coordinator.say(assignment(2, [{ task: "second", start: 0, end: 1 }]));
    await broadcast(scene.shard(), 1, 2);
    expect(nodesOf(scene.shard().all("push")).at(-1)).toBe("second:0.0");
    expect(reads).toEqual([4, 4, 6, 6]);
  });

  it("helps with late slots only under the membership in which it was asked: weights follow the leases", async () => {
    const help: Message = {
      type: "help",
      ...{ runId, timeline: 0, step: 0, leases: [{ task: "first", start: 2, end: 3 }] },
    };
    const helping = await welcomed();
    await helping.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 1 }]));
    await broadcast(helping.shard(), 0, 1);
    await helping.coordinator.say(help);
    expect(nodesOf(helping.shard().all("push"))).toEqual(["first:0.0", "first:0.2"]);

    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 1 }]));
    await scene.coordinator.say(help);
    await scene.coordinator.say(assignment(2, [{ task: "second", start: 0, end: 1 }]));
    await broadcast(scene.shard(), 0, 2);
    expect(nodesOf(scene.shard().all("push"))).toEqual(["second:0.0"]);
  });

  it("sends everything again after a reconnection and after a new assignment: bit by bit the same", async () => {
    const scene = await welcomed();
    const leases = [{ task: "first", start: 0, end: 4 }];
    await scene.coordinator.say(assignment(1, leases));
    const old = scene.shard();
    await broadcast(old, 0, 1);
    await old.cut();
    const shard = scene.reconnect();
    await broadcast(shard, 0, 1);
    await scene.coordinator.say(assignment(2, leases));
    await broadcast(shard, 0, 2);
    const bytes = [old, shard].flatMap((peer) =>
      peer.heard.flatMap(({ message, slices }) =>
        message.type === "push" ? [Buffer.concat(slices).toString("hex")] : [],
      ),
    );
    expect(bytes.length).toBe(3);
    expect(new Set(bytes).size).toBe(1);
  });

  it("sends once more what it sent to a shard that says an earlier step and then the same: whoever relays has dropped it", async () => {
    const scene = await welcomed(spec, undefined, undefined, 2);
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 2 }]));
    const [one, other] = [scene.shard(0), scene.shard(1)];
    await broadcast(one, 1, 1, [0, 2]);
    await broadcast(other, 1, 1, [1, 2]);
    await broadcast(one, 0, 1, [0, 2]);
    await broadcast(one, 1, 1, [0, 2]);
    const stepsOf = (shard: FakePeer): number[] => shard.all("push").map(({ step }) => step);
    expect([stepsOf(one), stepsOf(other)]).toEqual([[1, 1], [1]]);
  });

  it("sends what a second lease of the same step adds, though it has merged with what was sent before", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 2 }]));
    await broadcast(scene.shard(), 0, 1);
    expect(nodesOf(scene.shard().all("push"))).toEqual(["first:1.0"]);
    await scene.coordinator.say(assignment(2, [{ task: "first", start: 2, end: 4 }]));
    await broadcast(scene.shard(), 0, 2);
    expect(nodesOf(scene.shard().all("push")).at(-1)).toBe("first:2.0");
  });

  it("goes to the next step with the next broadcast, and forgets the one before", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "second", start: 0, end: 3 }]));
    await broadcast(scene.shard(), 0, 1);
    await broadcast(scene.shard(), 1, 1);
    expect(
      scene
        .shard()
        .all("push")
        .map(({ step }) => step),
    ).toEqual([0, 1]);
    await scene.shard().cut();
    const again = scene.reconnect();
    await broadcast(again, 1, 1);
    expect(again.all("push").map(({ step }) => step)).toEqual([1]);
  });
});

describe("a worker and what goes wrong", () => {
  it("gives up, naming the shard's reason, when its pushes are refused three times in a row", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 5 }]));
    for (let time = 0; time < 3; time++) {
      const shard = time === 0 ? scene.shard() : scene.reconnect();
      await broadcast(shard, 0, 1);
      expect(scene.end()).toBeUndefined();
      await shard.close(4000, "no such slice");
    }
    expect(scene.end()).toMatchObject({ kind: "failed" });
    expect(scene.coordinator.last("failed").message).toContain("no such slice");
  });

  it("keeps on when the connection is lost without a word, however often", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 5 }]));
    for (let time = 0; time < 6; time++) {
      const shard = time === 0 ? scene.shard() : scene.reconnect();
      await broadcast(shard, 0, 1);
      await shard.cut();
    }
    expect(scene.end()).toBeUndefined();
  });

  it("closes a shard's connection that sends it something else than weights, or weights of another length", async () => {
    const scene = await welcomed();
    await scene.shard().say({ type: "stop", runId, reason: "x" });
    expect(scene.shard().closed?.code).toBe(4000);
    const shard = scene.reconnect();
    const slice = { group: 0, start: 0, numbers: 2 };
    await shard.say(
      { type: "broadcast", runId, timeline: 0, step: 0, round: 0, quorumId: 1, index: 0, slices: [slice] },
      [new Uint8Array(4)],
    );
    expect(shard.closed?.code).toBe(4000);
  });

  it("says its canary again after it has lost and found the coordinator, without loading again", async () => {
    const scene = await welcomed();
    await scene.coordinator.cut();
    const again = scene.rejoin();
    await again.say(welcome(spec));
    expect(again.last("hello").id).toBe("w");
    expect(again.all("canary").length).toBe(1);
  });

  it("leaves with a word: at once when it has nothing, else after the micro-batch in hand", async () => {
    const scene = await welcomed();
    await scene.coordinator.say(assignment(1, [{ task: "first", start: 0, end: 5 }]));
    scene.worker.leave("maintenance");
    await broadcast(scene.shard(), 0, 1);
    expect(scene.coordinator.last("leaving").reason).toBe("maintenance");
    expect(scene.end()).toEqual({ kind: "left", reason: "maintenance" });
    expect(scene.coordinator.closed?.code).toBe(1000);
  });

  it("ends when the run does", async () => {
    const scene = await welcomed();
    await scene.coordinator.say({ type: "finish", runId, reason: "all steps are committed" });
    expect(scene.end()).toEqual({ kind: "finished", reason: "all steps are committed" });
  });
});
