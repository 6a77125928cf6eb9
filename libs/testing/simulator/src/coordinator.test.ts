import { createLayout } from "@latentweave/parameters";
import { type Message, type MessageOf, protocolVersion, type RunStore } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createFakePeer, type FakePeer } from "./fake-peer.ts";
import { createMemoryStore } from "./memory-store.ts";
import { smallSpec } from "./small-job.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
import {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
  type Outcome,
} from "@latentweave/coordinator-engine";

const runId = "r";
const spec = smallSpec({ steps: 3, evaluation: null });

interface Scene {
  readonly clock: VirtualClock;
  readonly coordinator: Coordinator;
  readonly leader: FakePeer;
  readonly outcome: () => Outcome | undefined;
  connect(name: string): FakePeer;
  /** A worker that has said hello; `canary` too where given. */
  worker(id: string, canary?: string, determinismClass?: Record<string, string>): Promise<FakePeer>;
}

const hello = (change: object = {}): Message => ({
  type: "hello",
  runId,
  protocol: protocolVersion,
  role: "worker",
  id: "w",
  host: "h",
  pid: 1,
  software: "test",
  ...change,
});

const committed = (step: number, change: object = {}): Message => ({
  type: "committed",
  runId,
  timeline: 0,
  digest: "",
  step,
  version: step + 1,
  tasks: [],
  learningRate: 0.1,
  gradientNorm: null,
  duplicates: 0,
  timings: {},
  last: false,
  ...change,
});

/** A coordinator whose one shard, played by the test, is ready, or goes on with what it holds. */
async function readyRun(
  change: Partial<CoordinatorOptions> = {},
  state?: MessageOf<"held">["state"],
): Promise<Scene> {
  const clock = createVirtualClock();
  const coordinator = createCoordinator({
    runId,
    runKey: "key",
    spec,
    specText: JSON.stringify(spec),
    shards: 1,
    expectedWorkers: 1,
    generation: 1,
    resume: undefined,
    succeeds: undefined,
    runClass: undefined,
    quarantined: [],
    optimiserSections: ["m", "v"],
    store: createMemoryStore(createLayout(spec.groups)),
    clock,
    wallMs: () => clock.nowMs(),
    shardAddress: (index) => `shard-${index}`,
    dataLocation: () => ({ kind: "directory", at: "d" }),
    facts: {},
    log: () => undefined,
    ...change,
  });
  let outcome: Outcome | undefined;
  void coordinator.ended.then((result) => {
    outcome = result;
  });
  const connect = (name: string): FakePeer =>
    createFakePeer(clock, name, (channel) => coordinator.accept(channel));
  const leader = connect("shard-0");
  await leader.say(hello({ role: "shard", id: "shard-0", listening: { index: 0, port: 9 } }));
  await leader.say({ type: "held", runId, index: 0, ...(state && { state }) });
  if (!state) await leader.say({ type: "ready", runId, index: 0, timeline: 0, step: 0 });
  return {
    clock,
    coordinator,
    leader,
    outcome: () => outcome,
    connect,
    async worker(id, canary, determinismClass = { backend: "test" }) {
      const peer = connect(id);
      await peer.say(hello({ id, determinismClass }));
      if (canary !== undefined) await peer.say({ type: "canary", runId, digest: canary });
      return peer;
    },
  };
}

/** Every slot of every task in exactly one of the newest leases. */
function expectWholeLeases(scene: Scene, workers: readonly FakePeer[]): void {
  const newest = workers.map((worker) => worker.last("assignment"));
  for (const task of spec.tasks) {
    const slots = newest.flatMap(({ leases }) =>
      leases
        .filter((lease) => lease.task === task.name)
        .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, place) => start + place)),
    );
    expect(slots.toSorted((a, b) => a - b)).toEqual(Array.from({ length: task.slots }, (_, slot) => slot));
  }
  const members = scene.leader.last("members");
  // Whom nothing changes for is not told again: shards know since when that is.
  const since = members.workers.map((member) => member.since);
  expect(newest.map(({ quorumId }) => quorumId).toSorted()).toEqual(since.toSorted());
  expect(Math.max(...since)).toBeLessThanOrEqual(members.quorumId);
  expect(members.workers.length).toBe(workers.length);
}

describe("a connection that begins wrongly", () => {
  it.each<readonly [what: string, message: Message, code: number]>([
    ["another first message", { type: "canary", runId, digest: "d" }, 4000],
    ["another protocol version", hello({ protocol: protocolVersion + 1 }), 4001],
    ["another run", hello({ runId: "other" }), 4003],
    [
      "a shard that the run does not have",
      hello({ role: "shard", id: "shard-5", listening: { index: 5, port: 1 } }),
      4000,
    ],
    ["a message that workers do not send", { type: "ready", runId, index: 0, timeline: 0, step: 0 }, 4000],
  ])("is closed, and the run goes on: %s", async (_, message, code) => {
    const scene = await readyRun();
    const peer = scene.connect("x");
    await peer.say(message);
    expect(peer.closed?.code).toBe(code);
    const worker = await scene.worker("w", "canary");
    expectWholeLeases(scene, [worker]);
  });
});

describe("admission", () => {
  it("refuses another canary, names the differing setting, and gives no lease", async () => {
    const scene = await readyRun();
    const first = await scene.worker("a", "same", { backend: "native", threads: "1" });
    const other = await scene.worker("b", "other", { backend: "native", threads: "2" });
    expect(other.closed?.code).toBe(4004);
    expect(other.closed?.reason).toContain("threads");
    expect(other.all("assignment")).toEqual([]);
    expectWholeLeases(scene, [first]);
    const { workers } = scene.coordinator.snapshot();
    expect(workers.map(({ workerId, state }) => [workerId, state])).toEqual([
      ["a", "active"],
      ["b", "refused"],
    ]);
  });

  it("lets in a differently described device that computes the same bits, and says so", async () => {
    const scene = await readyRun();
    await scene.worker("a", "same", { backend: "native" });
    const other = await scene.worker("b", "same", { backend: "wasm" });
    expect(other.last("assignment").worldSize).toBe(2);
    expect(
      scene.coordinator
        .snapshot()
        .events.map(({ text }) => text)
        .join(),
    ).toContain("backend: wasm here, native in the run");
  });

  it("gives no lease before the canary, and takes a second canary of the same worker for the first", async () => {
    const scene = await readyRun();
    const worker = await scene.worker("a");
    expect(worker.last("welcome").shards).toEqual(["shard-0"]);
    expect(worker.all("assignment")).toEqual([]);
    for (const digest of ["same", "same"]) await worker.say({ type: "canary", runId, digest });
    expect(worker.all("assignment").length).toBe(1);
  });
});

describe("membership", () => {
  it("waits for the workers that were started, and no longer than 20 s for those that do not come", async () => {
    const scene = await readyRun({ expectedWorkers: 2 });
    const worker = await scene.worker("a", "same");
    expect(worker.all("assignment")).toEqual([]);
    await scene.clock.run(() => false, scene.clock.nowMs() + 30_000);
    expectWholeLeases(scene, [worker]);
  });

  it("covers every slot once as workers join, leave and are lost, and tells shards and workers the same quorum", async () => {
    const scene = await readyRun();
    const a = await scene.worker("a", "same");
    const b = await scene.worker("b", "same");
    const c = await scene.worker("c", "same");
    expectWholeLeases(scene, [a, b, c]);
    await b.cut();
    expectWholeLeases(scene, [a, c]);
    await a.say({ type: "leaving", runId, reason: "test" });
    expectWholeLeases(scene, [c]);
    const ids = scene.leader.all("members").map(({ quorumId }) => quorumId);
    expect(ids).toEqual(ids.toSorted((x, y) => x - y));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("closes the older connection of a worker that connects again, and lets its slots wait for no canary", async () => {
    const scene = await readyRun();
    const a = await scene.worker("a", "same");
    const old = await scene.worker("b", "same");
    const again = await scene.worker("b");
    expect(old.closed?.code).toBe(4006);
    expectWholeLeases(scene, [a]);
    await again.cut();
    expectWholeLeases(scene, [a]);
    const third = await scene.worker("b", "same");
    expectWholeLeases(scene, [a, third]);
  });
});

describe("a worker that is late", () => {
  it("loses its slots to the others, is asked for its canary, and has slots again once it has answered", async () => {
    const scene = await readyRun({ expectedWorkers: 2 });
    const [late, other] = [await scene.worker("a", "same"), await scene.worker("b", "same")];
    const missing = [...late.last("assignment").leases];
    const report = { type: "late", runId, timeline: 0, step: 0, missing } as const;
    await scene.leader.say(report);
    expect(late.last("assignment").leases, "others only help at first").toEqual(missing);
    const welcomes = (): number => late.heard.filter(({ message }) => message.type === "welcome").length;
    const before = welcomes();
    await scene.leader.say(report);
    expect(late.last("assignment").leases).toEqual([]);
    expectWholeLeases(scene, [late, other]);
    expect(welcomes()).toBe(before + 1);
    await late.say({ type: "canary", runId, digest: "same" });
    expect(late.last("assignment").leases).toEqual(missing);
    expectWholeLeases(scene, [late, other]);
  });
});

describe("workers that give up", () => {
  const giveUp = (message: string): Message => ({ type: "failed", runId, message });

  it("end the run with what the last one said, when three did so in a row and none is left", async () => {
    const scene = await readyRun();
    for (const id of ["a", "b"]) await (await scene.worker(id, "same")).say(giveUp("the data is gone"));
    expect(scene.outcome()).toBeUndefined();
    await (await scene.worker("c", "same")).say(giveUp("the data is still gone"));
    expect(scene.outcome()).toMatchObject({ state: "failed" });
    expect(scene.outcome()?.reason).toContain("the data is still gone");
    expect(scene.leader.last("finish").reason).toContain("the data is still gone");
  });

  it("do not end it while another worker computes, nor when steps are committed between", async () => {
    const scene = await readyRun();
    const steady = await scene.worker("steady", "same");
    for (const id of ["a", "b", "c", "d"])
      await (await scene.worker(id, "same")).say(giveUp("out of memory"));
    expect(scene.outcome()).toBeUndefined();
    expectWholeLeases(scene, [steady]);
    await scene.leader.say(committed(0));
    await steady.say(giveUp("out of memory"));
    expect(scene.outcome()).toBeUndefined();
    expect(scene.coordinator.snapshot().state).toBe("waiting");
  });

  it("cannot end it by themselves, however often one of them says so, while another computes", async () => {
    const scene = await readyRun();
    const steady = await scene.worker("steady", "same");
    const bad = await scene.worker("bad", "same");
    for (let time = 0; time < 10; time++) await bad.say(giveUp("nobody could do better"));
    expect(scene.outcome()).toBeUndefined();
    expectWholeLeases(scene, [steady]);
  });
});

describe("a shard that gives up", () => {
  const giveUp: Message = { type: "failed", runId, message: "out of memory" };

  /** The next process of the same shard, which has found what it held. */
  async function successor(scene: Scene, version: number): Promise<FakePeer> {
    const shard = scene.connect("shard-0");
    await shard.say(hello({ role: "shard", id: "shard-0", listening: { index: 0, port: 9 } }));
    const state = { timeline: 0, version, running: false, over: false, recordsFrom: version };
    await shard.say({ type: "held", runId, index: 0, state });
    await shard.say({ type: "ready", runId, index: 0, timeline: 0, step: version });
    return shard;
  }

  it("is waited for, and the run goes on with its successor", async () => {
    const scene = await readyRun();
    await scene.worker("a", "same");
    await scene.leader.say(committed(0));
    await scene.leader.say(giveUp);
    await scene.leader.cut();
    expect(scene.outcome()).toBeUndefined();
    const next = await successor(scene, 1);
    await next.say(committed(1));
    expect(scene.coordinator.snapshot()).toMatchObject({ state: "running", step: 2 });
    expect(scene.coordinator.snapshot().events.map(({ text }) => text)).toContain(
      "parameter-server shard 0 gave up: out of memory",
    );
  });

  it("ends the run when it does so three times with nothing committed between", async () => {
    const scene = await readyRun();
    await scene.worker("a", "same");
    await scene.leader.say(committed(0));
    let shard = scene.leader;
    for (let time = 0; time < 3; time++) {
      expect(scene.outcome()).toBeUndefined();
      if (time > 0) shard = await successor(scene, 1);
      await shard.say(giveUp);
      await shard.cut();
    }
    expect(scene.outcome()).toMatchObject({ state: "failed" });
    expect(scene.outcome()?.reason).toContain("out of memory");
  });
});

describe("what the run says", () => {
  it("counts identical warnings instead of telling them in a loop", async () => {
    const scene = await readyRun();
    for (let time = 0; time < 30; time++)
      await scene.connect("x").say({ type: "leaving", runId, reason: "x" });
    const warnings = scene.coordinator.snapshot().events.filter(({ text }) => text.includes("out of turn"));
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.length).toBeLessThan(5);
  });

  it("ends the run when the store cannot keep its events", async () => {
    const memory = createMemoryStore(createLayout(spec.groups));
    let full = false;
    const store: RunStore = {
      ...memory,
      appendMetric() {
        if (full) throw new Error("no space is left on the disk");
      },
    };
    const scene = await readyRun({ store });
    full = true;
    await scene.worker("a", "same");
    expect(scene.outcome()).toMatchObject({ state: "failed", reason: "no space is left on the disk" });
  });
});

describe("a checkpoint that cannot be written", () => {
  const combiner = "null";

  /** A disk that refuses checkpoints while it is full. */
  function refusingStore(): RunStore & { isFull: boolean } {
    const memory = createMemoryStore(createLayout(spec.groups));
    const store = {
      ...memory,
      isFull: true,
      get ledgerEnd() {
        return memory.ledgerEnd;
      },
      async beginCheckpoint(...what: Parameters<RunStore["beginCheckpoint"]>) {
        const sink = await memory.beginCheckpoint(...what);
        const finish: typeof sink.finish = (meta) =>
          store.isFull ? Promise.reject(new Error("checkpoints: the disk is full")) : sink.finish(meta);
        return { ...sink, finish };
      },
    };
    return store;
  }

  const sent = (version: number, attempt = 0): Message => ({
    type: "checkpoint-end",
    runId,
    ...{ version, attempt, index: 0 },
  });

  /** Everything is committed, and the last checkpoint asked for. */
  async function lastRefused(store: RunStore): Promise<Scene> {
    const scene = await readyRun({ store });
    await scene.worker("a", "same");
    for (const step of [0, 1]) await scene.leader.say(committed(step));
    await scene.leader.say(committed(2, { combiner, last: true }));
    await scene.leader.say(sent(3));
    return scene;
  }

  /** The shard answers to being asked for it once more. */
  const sendAgain = async ({ clock, leader }: Scene): Promise<void> => {
    await clock.run(() => false, clock.nowMs() + 2_000);
    await leader.say(sent(3, leader.last("checkpoint").attempt));
  };

  const texts = (scene: Scene): string[] => scene.coordinator.snapshot().events.map(({ text }) => text);

  it("is said, and the run goes on to the next one", async () => {
    const store = refusingStore();
    const scene = await readyRun({ store });
    await scene.worker("a", "same");
    await scene.leader.say(committed(0, { combiner }));
    await scene.leader.say(sent(1));
    expect(scene.outcome()).toBeUndefined();
    expect(texts(scene).join("\n")).toContain(
      "the checkpoint of step 1 could not be written, and the next one is tried when it is due: checkpoints: the disk is full",
    );
    store.isFull = false;
    await scene.leader.say(committed(1, { combiner }));
    await scene.leader.say(sent(2));
    expect(texts(scene).join("\n")).toContain("checkpoint of step 2 written");
  });

  it("is asked for again where it is the last", async () => {
    const store = refusingStore();
    const scene = await lastRefused(store);
    expect(scene.outcome()).toBeUndefined();
    store.isFull = false;
    await sendAgain(scene);
    expect(scene.outcome()).toMatchObject({ state: "finished" });
    expect(scene.outcome()?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("ends a run as failed when it is the last and stays refused, and says why", async () => {
    const scene = await lastRefused(refusingStore());
    for (let time = 0; time < 60 && scene.outcome() === undefined; time++) await sendAgain(scene);
    expect(scene.outcome()).toMatchObject({ state: "failed", hash: null });
    expect(scene.outcome()?.reason).toMatch(/the last checkpoint could not be written .*the disk is full/);
  });
});

describe("stopping", () => {
  it("stops at once when no weights are there yet", async () => {
    const scene = await readyRun({ shards: 2 });
    scene.coordinator.stop("no time");
    await scene.clock.run(() => scene.outcome() !== undefined, Number.POSITIVE_INFINITY);
    expect(scene.outcome()).toMatchObject({ state: "interrupted", reason: "no time", hash: null });
  });

  it("stays stopping when the last worker goes, and stops at once when asked again", async () => {
    const scene = await readyRun();
    const worker = await scene.worker("a", "same");
    scene.coordinator.stop("first");
    await worker.cut();
    expect(scene.leader.last("stop").reason).toBe("first");
    expect(scene.coordinator.snapshot().state).toBe("stopping");
    scene.coordinator.stop("second");
    await scene.clock.run(() => scene.outcome() !== undefined, Number.POSITIVE_INFINITY);
    expect(scene.outcome()).toMatchObject({ state: "interrupted", reason: "second" });
  });

  it("tells the leader's successor, too, which knows nothing of its predecessor's stop", async () => {
    const scene = await readyRun();
    await scene.worker("a", "same");
    scene.coordinator.stop("first");
    await scene.leader.say({ type: "stopped", runId, version: 0, reason: "first", combiner: "null" });
    await scene.leader.cut();
    const successor = scene.connect("shard-0");
    await successor.say(hello({ role: "shard", id: "shard-0", listening: { index: 0, port: 9 } }));
    const state = { timeline: 0, version: 0, running: false, recordsFrom: 0, over: false };
    await successor.say({ type: "held", runId, index: 0, state });
    await successor.say({ type: "ready", runId, index: 0, timeline: 0, step: 0 });
    expect(successor.last("stop").reason).toBe("first");
  });

  it("waits for a lost shard, and fails, saying how to go on, when it does not come back", async () => {
    const scene = await readyRun();
    const late = await scene.worker("a", "same");
    await scene.leader.cut();
    expect(scene.outcome()).toBeUndefined();
    await scene.clock.run(() => scene.outcome() !== undefined, Number.POSITIVE_INFINITY);
    await scene.clock.run(() => false, scene.clock.nowMs() + 10);
    expect(scene.outcome()?.reason).toMatch(/shard 0 .*was lost.*--resume/);
    expect(late.last("finish").reason).toMatch(/shard 0/);
    const after = await scene.worker("b");
    expect(after.last("finish").reason).toBe("the run has failed");
  });
});

describe("a shard that connects again", () => {
  const again = (scene: Scene): FakePeer => scene.connect("shard-0");
  const helloShard = hello({ role: "shard", id: "shard-0", listening: { index: 0, port: 9 } });

  it("replaces its older connection and, in the middle of its steps, is told the members and nothing else", async () => {
    const scene = await readyRun();
    await scene.worker("a", "same");
    const shard = again(scene);
    await shard.say(helloShard);
    expect(scene.leader.closed?.code).toBe(4006);
    const state = { timeline: 0, version: 0, running: true, recordsFrom: 0, over: false };
    await shard.say({ type: "held", runId, index: 0, state });
    expect(shard.all("begin")).toEqual([]);
    expect(shard.last("members").workers.length).toBe(1);
  });

  it("goes on with what it holds", async () => {
    const scene = await readyRun();
    const shard = again(scene);
    await shard.say(helloShard);
    const state = { timeline: 0, version: 1, running: false, recordsFrom: 0, over: false };
    await shard.say({ type: "held", runId, index: 0, state });
    expect(shard.last("begin")).toMatchObject({ timeline: 0, step: 1, from: "held" });
  });

  it("sends everybody back, in a new timeline, when it has lost its weights", async () => {
    const scene = await readyRun();
    await scene.leader.say(committed(0));
    const shard = again(scene);
    await shard.say(helloShard);
    await shard.say({ type: "held", runId, index: 0 });
    expect(shard.last("begin")).toMatchObject({ timeline: 1, step: 0, from: "initial" });
  });
});

describe("a commit", () => {
  it("is acknowledged when its record is written, and again, without a second record, when it is told again", async () => {
    const memory = createMemoryStore(createLayout(spec.groups));
    let written: () => void = () => undefined;
    const store: RunStore = {
      ...memory,
      get ledgerEnd() {
        return memory.ledgerEnd;
      },
      recorded: () => new Promise((resolve) => (written = resolve)),
    };
    const scene = await readyRun({ store });
    await scene.leader.say(committed(0));
    expect(scene.leader.all("committed-ack")).toEqual([]);
    written();
    await scene.leader.say(committed(0));
    written();
    await scene.clock.run(() => false, scene.clock.nowMs() + 10);
    expect(scene.leader.all("committed-ack").map(({ step }) => step)).toEqual([0, 0]);
    expect(memory.commits.map(({ step }) => step)).toEqual([0]);
  });

  it("of the last step, in the ledger already, is followed by its checkpoint, though the leader has yet to apply it", async () => {
    const ledgerEnd = { timeline: 0, nextStep: 3 };
    const store = { ...createMemoryStore(createLayout(spec.groups)), ledgerEnd };
    const held = { timeline: 0, version: 2, running: true, over: false, recordsFrom: 2, combiner: "null" };
    const scene = await readyRun({ store }, held);
    const { version, attempt } = scene.leader.last("checkpoint");
    expect(version).toBe(3);
    await scene.leader.say({ type: "checkpoint-end", runId, version, attempt, index: 0 });
    await scene.clock.run(() => scene.outcome() !== undefined, scene.clock.nowMs() + 100);
    expect(scene.outcome()).toMatchObject({ state: "finished", version: 3 });
  });

  it("of a timeline that is over counts for nothing", async () => {
    const scene = await readyRun();
    await scene.leader.say(committed(0, { timeline: 7 }));
    expect(scene.leader.all("committed-ack")).toEqual([]);
  });
});
