import { ownership, type Slice } from "@latentweave/parameters";
import { type Message, type MessageOf, protocolVersion } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import type { FakePeer } from "./fake-peer.ts";
import { smallSpec } from "./small-job.ts";
import {
  attach,
  begunShard,
  layout,
  newShard,
  payloadsOf,
  push,
  rootOf,
  runId,
  type Scene,
  spec,
  wholeStep,
} from "./shard-scene.ts";

describe("a connection that begins wrongly", () => {
  it.each<readonly [what: string, message: Message, code: number]>([
    ["another first message", { type: "leaving", runId, reason: "x" }, 4000],
    ["another protocol version", attach({ protocol: protocolVersion + 1 }), 4001],
    ["another run", attach({ runId: "other" }), 4003],
    [
      "a shard that the run does not have",
      { type: "attach-shard", runId, protocol: protocolVersion, index: 7 },
      4000,
    ],
  ])("is closed: %s", async (_, message, code) => {
    const scene = await begunShard();
    const peer = scene.connect("x");
    await peer.say(message);
    expect(peer.closed?.code).toBe(code);
    expect(scene.failure()).toBeUndefined();
    await wholeStep(await scene.worker("w"));
    expect(scene.coordinator.last("committed").step).toBe(0);
  });
});

describe("a push that is not this step's, task's or shard's", () => {
  const foreign: Slice = { group: 0, start: 16_384 * 7, numbers: 1 };
  it.each([
    ["a step to come", { step: 1 }, /step 1 while step 0/],
    ["a round that the step does not have", { round: 5 }, /round 5/],
    ["a task that the round does not have", { task: "third" }, /"third"/],
    ["a node outside of the tree", { node: { level: 0, index: 99 } }, /no node/],
    [
      "a slice that is not the shard's",
      { payloads: [{ name: "gradient", reduce: "sum", dtype: "F32", slice: foreign } as const] },
      /./,
    ],
    ["fewer bytes than payloads", { payloads: payloadsOf("first", 1).payloads.toReversed() }, /bytes/],
  ])("closes the worker's channel and nothing else: %s", async (_, change, reason) => {
    const scene = await begunShard();
    const bad = await scene.worker("w");
    await push(bad, "first", rootOf("first"), change);
    expect(bad.closed?.code).toBe(4000);
    expect(bad.closed?.reason).toMatch(reason);
    expect(scene.failure()).toBeUndefined();
    await wholeStep(await scene.worker("v"));
    expect(scene.coordinator.last("committed").step).toBe(0);
  });
});

describe("a relay", () => {
  const behind = ["w", "v"].map((workerId, place) => ({ workerId, place }));
  const digests = ["1", "2", "3"].map((digit) => digit.repeat(16)) as [string, string, string];
  type Parts = NonNullable<MessageOf<"push">["parts"]>;
  const halves: Parts = [
    [2, 0, "w", digests[0]],
    [2, 1, "v", digests[1]],
  ];

  async function relayed(): Promise<{ scene: Scene; relay: FakePeer }> {
    const scene = await begunShard();
    const relay = scene.connect("relay");
    await relay.say(attach({ workerId: "w", behind }));
    return { scene, relay };
  }

  it("gets weights once for all that are behind it, each under its own membership, and who relays may attach too", async () => {
    const { scene, relay } = await relayed();
    const direct = await scene.worker("w");
    expect(relay.closed).toBeUndefined();
    expect(relay.all("broadcast")).toHaveLength(1);
    const [told] = relay.all("broadcast");
    expect(told?.behind).toEqual(behind.map(({ place }) => ({ place, quorumId: 1 })));
    expect(told?.slices).toEqual(direct.last("broadcast").slices);
    const workers = [{ workerId: "v", tasks: ["first"], since: 2 }];
    await scene.coordinator.say({ type: "members", runId, quorumId: 2, workers });
    expect(relay.last("broadcast")).toMatchObject({ behind: [{ place: 1, quorumId: 2 }], slices: [] });
  });

  it("is given everything anew with the first broadcast that names a place", async () => {
    const { scene, relay } = await relayed();
    await relay.say(attach({ workerId: "w", behind: [...behind, { workerId: "u", place: 2 }] }));
    const all = relay.last("broadcast").slices;
    const workers = ["w", "v", "u"].map((workerId) => ({ workerId, tasks: ["first", "second"], since: 1 }));
    await scene.coordinator.say({ type: "members", runId, quorumId: 2, workers });
    expect(relay.last("broadcast").behind?.map(({ place }) => place)).toEqual([0, 1, 2]);
    expect(relay.last("broadcast").slices).toEqual(all);
    expect(all.length).toBeGreaterThan(0);
  });

  it("sends sums that the record names by what they are made of, and the sum by who made it", async () => {
    const { scene, relay } = await relayed();
    await push(relay, "first", rootOf("first"), { parts: halves });
    await push(relay, "second", rootOf("second"), { parts: [[2, 0, "v", digests[2]]] });
    const [shard] = scene.coordinator.last("committed").tasks[0]?.shards ?? [];
    expect(shard?.nodes).toEqual(halves);
    expect(shard?.sums).toEqual([[3, 0, "w", expect.stringMatching(/^[0-9a-f]{16}$/)]]);
  });

  it("counts for nothing with a part of somebody who is no member", async () => {
    const { scene, relay } = await relayed();
    const [first] = halves as [Parts[number]];
    await push(relay, "first", rootOf("first"), { parts: [first, [2, 1, "stranger", digests[1]]] });
    await wholeStep(await scene.worker("v"));
    const commit = scene.coordinator.last("committed");
    expect(commit.duplicates).toBe(1);
    expect(commit.tasks[0]?.shards[0]?.nodes.map(([, , who]) => who)).toEqual(["v"]);
  });

  it.each<readonly [what: string, parts: Parts | undefined, reason: RegExp]>([
    ["none", undefined, /without its parts/],
    ["too little", [halves[0] as Parts[number]], /is not made of 2:0/],
    ["the same twice", [halves[0] as Parts[number], ...halves], /is not made of/],
    ["of elsewhere", [...halves, [0, 99, "w", digests[2]]], /is not made of/],
  ])("is closed for a sum whose parts are not its own: %s", async (_, parts, reason) => {
    const { scene, relay } = await relayed();
    await push(relay, "first", rootOf("first"), parts ? { parts } : {});
    expect(relay.closed?.code).toBe(4000);
    expect(relay.closed?.reason).toMatch(reason);
    expect(scene.failure()).toBeUndefined();
  });

  it("is the only one whose sums have parts", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "first", rootOf("first"), { parts: halves });
    expect(worker.closed?.reason).toMatch(/only a relay's sum has parts/);
  });

  it("tells of bits that contradict a part of a sum, in its step and after it", async () => {
    const { scene, relay } = await relayed();
    await push(relay, "first", rootOf("first"), { parts: halves });
    const say = (step: number, digest: string): Promise<void> =>
      relay.say({
        ...{ type: "push", runId, timeline: 0, step, round: 0, quorumId: 1, task: "first" },
        ...{ node: { level: 2, index: 0 }, payloads: [], parts: [[2, 0, "v", digest]] },
      });
    await say(0, digests[0]);
    expect(scene.coordinator.all("suspect")).toEqual([]);
    await say(0, digests[2]);
    expect(scene.coordinator.last("suspect")).toMatchObject({ step: 0, task: "first", workers: ["w", "v"] });
    await push(relay, "second", rootOf("second"), { parts: [[2, 0, "v", digests[2]]] });
    await say(0, digests[2]);
    expect(scene.coordinator.all("suspect")).toHaveLength(2);
    expect(relay.closed).toBeUndefined();
  });
});

describe("a push that says nothing new", () => {
  it("is dropped and counted in the commit: twice the same, and a descendant of what is held", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "first", { level: 1, index: 0 });
    await push(worker, "first", { level: 1, index: 0 }, {}, 5);
    await push(worker, "first", { level: 0, index: 1 }, {}, 7);
    await wholeStep(worker);
    const commit = scene.coordinator.last("committed");
    expect(commit.duplicates).toBe(2 * payloadsOf("first", 1).payloads.length);
    const [shard] = commit.tasks[0]?.shards ?? [];
    expect(shard).toMatchObject({ index: 0, nodes: [[3, 0, "w", expect.stringMatching(/^[0-9a-f]{16}$/)]] });
  });

  it("is fenced and counted when its sender is no member", async () => {
    const scene = await begunShard();
    const stranger = await scene.worker("stranger");
    await wholeStep(stranger);
    expect(scene.coordinator.all("committed")).toEqual([]);
    await wholeStep(await scene.worker("w"));
    expect(scene.coordinator.last("committed")).toMatchObject({ step: 0, duplicates: 2 });
  });

  it("is dropped and counted when its step is over", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await wholeStep(worker);
    await push(worker, "first", rootOf("first"), { step: 0 });
    await wholeStep(worker, 1);
    expect(scene.coordinator.last("committed")).toMatchObject({ step: 1, duplicates: 1 });
    expect(worker.closed).toBeUndefined();
  });

  it("gives the same weights whether an ancestor came after its descendants or alone", async () => {
    const weightsAfter = async (early: boolean): Promise<string> => {
      const scene = await begunShard();
      const worker = await scene.worker("w");
      if (early) for (const index of [0, 3]) await push(worker, "first", { level: 0, index }, {}, 100);
      await wholeStep(worker);
      const heard = worker.heard.filter(({ message }) => message.type === "broadcast" && message.step === 1);
      return heard.flatMap(({ slices }) => slices.map((slice) => Buffer.from(slice).toString("hex"))).join();
    };
    expect(await weightsAfter(true)).toBe(await weightsAfter(false));
  });
});

describe("a shard and its workers", () => {
  it("closes the older connection of a worker that attaches again, and sends everything anew", async () => {
    const scene = await begunShard();
    const old = await scene.worker("w");
    const again = await scene.worker("w");
    expect(old.closed?.code).toBe(4006);
    expect(again.last("broadcast").slices).toEqual(old.last("broadcast").slices);
    await wholeStep(again);
    expect(again.last("broadcast").step).toBe(1);
  });

  it("does so before it knows of its run, too", async () => {
    const scene = newShard();
    const old = await scene.worker("w");
    const again = await scene.worker("w");
    expect(old.closed?.code).toBe(4006);
    expect(again.closed).toBeUndefined();
  });

  it("says a commit before it sends the weights, and none of version n+1 before", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "first", rootOf("first"));
    expect(worker.all("broadcast").map((message) => message.step)).toEqual([0]);
    await push(worker, "second", rootOf("second"));
    expect(worker.all("broadcast").map((message) => message.step)).toEqual([0, 1]);
  });

  it("commits nothing, and says which step is unfit, when a gradient is not finite", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "second", rootOf("second"));
    await push(worker, "first", rootOf("first"), {}, Number.NaN);
    expect(scene.coordinator.last("unfit")).toMatchObject({ timeline: 0, step: 0 });
    expect(scene.coordinator.all("committed")).toEqual([]);
    expect(worker.all("broadcast").map((message) => message.step)).toEqual([0]);
  });

  it("tells nobody of weights that a checkpoint is overwriting, and commits nothing on them", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "first", rootOf("first"));
    const sections = ["parameters", "m", "v"];
    const [slice, ...others] = ownership(layout, 1)[0] ?? [];
    const restore = async (part: Slice): Promise<void> => {
      for (const section of sections)
        await scene.coordinator.say({ type: "restore", runId, section, slice: part }, [
          new Uint8Array(part.numbers * 4),
        ]);
    };
    await restore(slice as Slice);
    await push(worker, "second", rootOf("second"));
    const late = await scene.worker("v");
    expect(late.all("broadcast")).toEqual([]);
    expect(worker.all("broadcast").map(({ step }) => step)).toEqual([0]);
    expect(scene.coordinator.all("committed")).toEqual([]);

    for (const part of others) await restore(part);
    await scene.coordinator.say({ type: "begin", runId, timeline: 1, step: 2, from: "checkpoint" });
    for (const peer of [worker, late]) {
      expect(peer.last("broadcast")).toMatchObject({ timeline: 1, step: 2 });
      expect(peer.heard.at(-1)?.slices.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    }
  });

  it("commits no more than 64 steps that the coordinator has not acknowledged", async () => {
    const scene = await begunShard(smallSpec({ steps: 70, evaluation: null }));
    const worker = await scene.worker("w");
    for (let step = 0; step < 66; step++)
      if (worker.last("broadcast").step === step) await wholeStep(worker, step);
    expect(scene.coordinator.all("committed").length).toBe(64);
    await scene.coordinator.say({ type: "committed-ack", runId, timeline: 0, step: 0 });
    expect(scene.coordinator.all("committed").length).toBe(65);
  });
});

/** A follower's words; shard 1 of two owns too little here to be looked at. */
const reduced = (step: number, timeline = 0): Message => ({
  type: "reduced",
  ...{ runId, timeline, step, round: 0, index: 1 },
  finite: true,
  received: [],
  blocks: [],
});
const applied = (version: number, timeline = 0): Message => ({
  type: "applied",
  runId,
  timeline,
  index: 1,
  version,
});

/** Digests of the blocks that it owns: each is small enough to be one. */
const digests = new Uint8Array(8 * (ownership(layout, 2)[1] ?? []).length);

async function follower(scene: Scene): Promise<FakePeer> {
  const peer = scene.connect("shard-1");
  await peer.say({ type: "attach-shard", runId, protocol: protocolVersion, index: 1 });
  return peer;
}

describe("the leader and its followers", () => {
  it("ignores a report that was on its way when it stopped", async () => {
    const scene = await begunShard(spec, 2);
    const follower = scene.connect("shard-1");
    await follower.say({ type: "attach-shard", runId, protocol: protocolVersion, index: 1 });
    await scene.coordinator.say({ type: "stop", runId, reason: "test" });
    expect(follower.last("decide")).toMatchObject({ abandon: true, checkpoint: true });
    await follower.say(reduced(0));
    expect(follower.closed).toBeUndefined();
    expect(scene.coordinator.last("stopped")).toMatchObject({ version: 0, combiner: "null" });
  });

  it("tells a follower that attaches late that it has stopped", async () => {
    const scene = await begunShard(spec, 2);
    await scene.coordinator.say({ type: "stop", runId, reason: "test" });
    const late = await follower(scene);
    await late.say(applied(0), [digests]);
    expect(late.last("decide").abandon).toBe(true);
  });

  it("forgets work of a timeline that is over, and takes no commit for it", async () => {
    const scene = await begunShard();
    const worker = await scene.worker("w");
    await push(worker, "first", rootOf("first"));
    await scene.coordinator.say({ type: "begin", runId, timeline: 1, step: 0, from: "initial" });
    await push(worker, "second", rootOf("second"));
    expect(scene.coordinator.all("committed")).toEqual([]);
    for (const task of ["first", "second"]) await push(worker, task, rootOf(task), { timeline: 1 });
    expect(scene.coordinator.last("committed")).toMatchObject({ timeline: 1, step: 0, duplicates: 1 });
  });

  it("calls a version settled when every shard has said that it holds it, not before", async () => {
    const scene = await begunShard(spec, 2);
    const peer = await follower(scene);
    expect(scene.coordinator.all("settled")).toEqual([]);
    await peer.say(applied(0), [digests]);
    expect(scene.coordinator.last("settled").version).toBe(0);
    expect(peer.last("settled").version).toBe(0);
  });

  it("lets a follower's word of a timeline wait that it has not been told of itself", async () => {
    const scene = await begunShard(spec, 2);
    const peer = await follower(scene);
    await peer.say(applied(0, 2), [digests]);
    expect(scene.coordinator.all("settled")).toEqual([]);
    for (const timeline of [1, 2]) {
      expect(scene.coordinator.all("settled")).toEqual([]);
      await scene.coordinator.say({ type: "begin", runId, timeline, step: 0, from: "initial" });
    }
    expect(scene.coordinator.last("settled")).toMatchObject({ timeline: 2, version: 0 });
  });
});
