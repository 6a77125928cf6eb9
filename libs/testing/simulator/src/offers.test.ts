import type { OfferPolicy } from "@latentweave/parameter-server-engine";
import type { MessageOf } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { offersOfAll } from "./cluster/run-shard.ts";
import type { FakePeer } from "./fake-peer.ts";
import { attach, begunShard, payloadsOf, push, rootOf, runId, type Scene, wholeStep } from "./shard-scene.ts";

/** Everybody offers everything, and is asked for one payload at a time; nothing waits that need not. */
const all: OfferPolicy = { ...offersOfAll, fromSubscribers: 2, underWay: 9 };

type Node = { level: number; index: number };

const offer = (peer: FakePeer, node: Node, change: Partial<MessageOf<"offer">> = {}): Promise<void> =>
  peer.say({
    ...{ type: "offer", runId, timeline: 0, step: 0, round: 0, quorumId: 1, task: "first", node },
    ...change,
  });

/** What was asked of a peer and has not been answered: node, and payloads from where to where. */
const asked = (peer: FakePeer, from = 0): string[] =>
  peer
    .all("ask")
    .slice(from)
    .map((ask) => `${ask.node.level}:${ask.node.index} ${ask.from}-${ask.to}`);

const whole = payloadsOf("first", 1).payloads.length;

/** Some of a contribution's payloads. */
async function portion(
  peer: FakePeer,
  node: Node,
  from: number,
  to: number,
  change: Partial<MessageOf<"push">> = {},
  value = 1,
): Promise<void> {
  const { payloads, bytes } = payloadsOf("first", value);
  await peer.say(
    {
      ...{ type: "push", runId, timeline: 0, step: 0, round: 0, quorumId: 1, task: "first", node },
      ...{ payloads: payloads.slice(from, to), portion: { from, of: whole }, ...change },
    },
    bytes.slice(from, to),
  );
}

/** All of it, as it is asked for. */
async function answer(peer: FakePeer): Promise<void> {
  for (let at = 0; at < peer.all("ask").length; at++) {
    const { node, from, to } = peer.all("ask")[at] as MessageOf<"ask">;
    await portion(peer, node, from, to);
  }
}

const nodesOf = ({ coordinator }: Scene): string[] =>
  (coordinator.last("committed").tasks[0]?.shards[0]?.nodes ?? []).map(
    ([level, index, who]) => `${level}:${index} ${who}`,
  );

describe("workers of a shard that many push to", () => {
  it("are told to offer what they have, from the first broadcast on that all who are to come are members for", async () => {
    const scene = await begunShard(undefined, 1, all);
    const worker = await scene.worker("w");
    expect(worker.last("broadcast")).toMatchObject({ offersOver: 0, portionBytes: 1 });
    const alone = await begunShard(undefined, 1, { ...all, fromSubscribers: 3 });
    const sends = (await alone.worker("w")).last("broadcast").offersOver;
    expect(sends).toBeUndefined();
  });

  it("are asked for their payloads one after the other, and the contribution counts when it is whole", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await offer(w, rootOf("first"));
    // Metrics go with the last slice.
    const slices = whole - 1;
    expect(asked(w)).toEqual(["3:0 0-1"]);
    await portion(w, rootOf("first"), 0, 1);
    expect(asked(w, 1)).toEqual([`3:0 1-${slices === 2 ? whole : 2}`]);
    await answer(w);
    expect(scene.coordinator.all("committed")).toEqual([]);
    await push(v, "second", rootOf("second"));
    expect(nodesOf(scene)).toEqual(["3:0 w"]);
    expect(scene.coordinator.last("committed").duplicates).toBe(1);
  });

  it("leave the weights that they would leave by sending whole", async () => {
    const weights = async (offers: boolean): Promise<string> => {
      const scene = await begunShard(undefined, 1, all);
      const worker = await scene.worker("w");
      for (const index of [1, 0]) {
        if (offers) await offer(worker, { level: 2, index });
        else await push(worker, "first", { level: 2, index });
      }
      if (offers) await answer(worker);
      await push(worker, "second", rootOf("second"));
      const heard = worker.heard.filter(({ message }) => message.type === "broadcast" && message.step === 1);
      return heard.flatMap(({ slices }) => slices.map((slice) => Buffer.from(slice).toString("hex"))).join();
    };
    const sent = await weights(false);
    expect(sent.length).toBeGreaterThan(0);
    expect(await weights(true)).toBe(sent);
  });

  it("wait with what would wait here: the first slots are asked for first", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await offer(w, { level: 2, index: 1 });
    expect(asked(w)).toEqual(["2:1 0-1"]);
    await offer(v, { level: 0, index: 2 });
    expect(asked(v)).toEqual([]);
    await offer(v, { level: 1, index: 0 });
    expect(asked(v)).toEqual(["1:0 0-1", "0:2 0-1"]);
  });

  it("are asked for what another has not brought to its end, and is recorded for it", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await offer(w, rootOf("first"));
    await portion(w, rootOf("first"), 0, 1);
    await w.cut();
    await offer(v, rootOf("first"));
    await answer(v);
    await push(v, "second", rootOf("second"));
    expect(nodesOf(scene)).toEqual(["3:0 v"]);
  });

  it("are not asked again for what they say they have no more", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await offer(w, rootOf("first"));
    await offer(w, rootOf("first"), { withdrawn: true });
    await offer(v, rootOf("first"));
    expect([asked(w), asked(v)]).toEqual([["3:0 0-1"], ["3:0 0-1"]]);
  });

  it("are compared, where two have the same: the second is asked when nothing else is wanted", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await offer(w, rootOf("first"));
    await answer(w);
    await offer(v, rootOf("first"));
    for (let at = 0; at < v.all("ask").length; at++) {
      const { node, from, to } = v.all("ask")[at] as MessageOf<"ask">;
      await portion(v, node, from, to, {}, 7);
    }
    expect(scene.coordinator.last("suspect")).toMatchObject({ step: 0, task: "first", workers: ["w", "v"] });
  });

  it("are asked for all at once of a step that is over: an audit is compared with what it audits", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    await wholeStep(w);
    await offer(v, rootOf("first"));
    expect(v.last("ask")).toMatchObject({ step: 0, from: 0 });
    await push(v, "first", rootOf("first"), {}, 7);
    expect(scene.coordinator.last("suspect")).toMatchObject({ step: 0, workers: ["w", "v"] });
  });

  it("are not asked where they are no members", async () => {
    const scene = await begunShard(undefined, 1, all);
    const stranger = await scene.worker("stranger");
    await offer(stranger, rootOf("first"));
    expect(stranger.all("ask")).toEqual([]);
  });
});

describe("a contribution in portions", () => {
  it.each<readonly [what: string, portions: readonly (readonly [from: number, to: number])[]]>([
    ["that begins in the middle", [[1, 2]]],
    [
      "of which one is left out",
      [
        [0, 1],
        [2, whole],
      ],
    ],
    [
      "of which one comes twice",
      [
        [0, 2],
        [1, 2],
      ],
    ],
  ])("closes its sender's channel where it is one %s", async (_, portions) => {
    const scene = await begunShard(undefined, 1, all);
    const worker = await scene.worker("w");
    for (const [from, to] of portions) await portion(worker, rootOf("first"), from, to);
    expect(worker.closed?.code).toBe(4000);
    expect(scene.failure()).toBeUndefined();
    await wholeStep(await scene.worker("v"));
    expect(nodesOf(scene)).toEqual(["3:0 v"]);
  });

  it("is none where it is not cut from the shard's row of payloads", async () => {
    const scene = await begunShard(undefined, 1, all);
    const worker = await scene.worker("w");
    const { payloads, bytes } = payloadsOf("first", 1);
    await worker.say(
      {
        ...{ type: "push", runId, timeline: 0, step: 0, round: 0, quorumId: 1, task: "first" },
        ...{ node: rootOf("first"), payloads: payloads.slice(1, 2), portion: { from: 0, of: whole } },
      },
      bytes.slice(1, 2),
    );
    expect(worker.closed?.reason).toMatch(/not cut from its/);
  });

  it("begins anew with its first payload, and what had come of it counts once", async () => {
    const scene = await begunShard(undefined, 1, all);
    const worker = await scene.worker("w");
    await portion(worker, rootOf("first"), 0, 1);
    await portion(worker, rootOf("first"), 0, 2);
    await portion(worker, rootOf("first"), 2, whole);
    await push(worker, "second", rootOf("second"));
    expect(nodesOf(scene)).toEqual(["3:0 w"]);
    expect(scene.coordinator.last("committed").duplicates).toBe(1);
  });

  it("is recorded by nobody's name but those who brought all of it, where others came between", async () => {
    const scene = await begunShard(undefined, 1, all);
    const [w, v] = [await scene.worker("w"), await scene.worker("v")];
    const half = { level: 2, index: 0 };
    await portion(w, half, 0, 1);
    await push(v, "first", rootOf("first"));
    await portion(w, half, 1, whole);
    await push(v, "second", rootOf("second"));
    expect(nodesOf(scene)).toEqual(["3:0 v"]);
  });

  it("comes from a relay with the names of who contributed", async () => {
    const scene = await begunShard(undefined, 1, all);
    const relay = scene.connect("relay");
    await relay.say(
      attach({
        workerId: "w",
        behind: [
          { workerId: "w", place: 0 },
          { workerId: "v", place: 1 },
        ],
      }),
    );
    const parts: MessageOf<"push">["parts"] = [
      [2, 0, "w", "1".repeat(16)],
      [2, 1, "v", "2".repeat(16)],
    ];
    for (const [from, to] of [
      [0, 1],
      [1, whole],
    ] as const)
      await portion(relay, rootOf("first"), from, to, { parts });
    await push(relay, "second", rootOf("second"), { parts: [[2, 0, "v", "3".repeat(16)]] });
    expect(nodesOf(scene)).toEqual(["2:0 w", "2:1 v"]);
  });
});
