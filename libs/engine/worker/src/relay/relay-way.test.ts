import { loadArithmetic } from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import { createLayout, ownership } from "@latentweave/parameters";
import type { PreparedRun } from "../prepare-run.ts";
import {
  type Channel,
  type Clock,
  closeCodes,
  type Lease,
  type Message,
  type MessageOf,
  protocolVersion,
} from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createRelayWay, type RelayWay } from "./relay-way.ts";
import { twoTasks } from "./testing/two-tasks.ts";

const runId = "r";
const arithmetic = loadArithmetic();
const spec = twoTasks(5);
const layout = createLayout(spec.groups);
const owned = ownership(layout, 1);
const prepared: Pick<PreparedRun, "spec" | "layout" | "owned"> = { spec, layout, owned };

type Handler = Parameters<Channel["onMessage"]>[0];

/** The far end of a channel, in the hands of a test: what it says is heard at once. */
interface FarEnd {
  readonly channel: Channel;
  readonly heard: { readonly message: Message; readonly slices: readonly Uint8Array[] }[];
  closed: { readonly code: number; readonly reason: string } | undefined;
  say(message: Message, slices?: readonly Uint8Array[]): void;
  close(code: number): void;
  all<Type extends Message["type"]>(type: Type): MessageOf<Type>[];
}

function farEnd(): FarEnd {
  let handler: Handler = () => undefined;
  const closers: ((code: number, reason: string) => void)[] = [];
  const end: FarEnd = {
    heard: [],
    closed: undefined,
    say: (message, slices = []) => handler(message, slices),
    close(code) {
      if (end.closed) return;
      end.closed = { code, reason: "" };
      for (const closer of closers) closer(code, "");
    },
    all: <Type extends Message["type"]>(type: Type) =>
      end.heard.flatMap(({ message }) => (message.type === type ? [message as MessageOf<Type>] : [])),
    channel: {
      ...{ remote: "far", local: false, bufferedBytes: 0 },
      send: (message, slices = []) =>
        void end.heard.push({ message, slices: slices.map((slice) => slice.slice()) }),
      sendCopy: (message, slices) => end.channel.send(message, slices),
      stage: () => undefined,
      drained: async () => undefined,
      close(code, reason) {
        if (end.closed) return;
        end.closed = { code, reason };
        for (const closer of closers) closer(code, reason);
      },
      onMessage(next) {
        handler = next;
      },
      onClose: (closer) => void closers.push(closer),
    },
  };
  return end;
}

/** Time that passes when it is told to. */
function handClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  let timers: { readonly atMs: number; readonly run: () => void }[] = [];
  return {
    nowMs: () => now,
    after(delayMs, run) {
      const timer = { atMs: now + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    pass(ms) {
      const untilMs = now + ms;
      for (;;) {
        const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > untilMs) break;
        timers = timers.filter((one) => one !== next);
        now = next.atMs;
        next.run();
      }
      now = untilMs;
    },
  };
}

interface Scene {
  readonly way: RelayWay;
  readonly clock: ReturnType<typeof handClock>;
  /** The newest connection to the shard. */
  shard(): FarEnd;
  /** Another connection of the shard, as after it was lost. */
  reconnect(): FarEnd;
  readonly dialled: () => number;
  /** A worker that attaches. */
  worker(workerId: string): FarEnd;
}

function scene(): Scene {
  const clock = handClock();
  let onShard: (channel: Channel) => void = () => undefined;
  const shards: FarEnd[] = [];
  const reconnect = (): FarEnd => {
    const end = farEnd();
    shards.push(end);
    onShard(end.channel);
    return end;
  };
  const way = createRelayWay({
    ...{ runId, workerId: "relay", index: 0, address: "shard-0", prepared, arithmetic, clock },
    keepShard(_, onChannel) {
      onShard = onChannel;
      // As with a real one, not before its caller has returned.
      clock.after(1, reconnect);
      return { stop: () => shards.at(-1)?.close(closeCodes.goingAway) };
    },
    onFailed(error) {
      throw error;
    },
  });
  return {
    ...{ way, clock, reconnect },
    dialled: () => shards.length,
    shard: () => shards.at(-1) as FarEnd,
    worker(workerId) {
      const end = farEnd();
      way.accept(end.channel);
      end.say({ type: "attach", runId, protocol: protocolVersion, workerId });
      return end;
    },
  };
}

const lease = (start: number, end: number): Lease => ({ task: "first", start, end });

function broadcast(
  step: number,
  behind: MessageOf<"broadcast">["behind"],
  slices: MessageOf<"broadcast">["slices"] = [],
): MessageOf<"broadcast"> {
  return {
    ...{ type: "broadcast", runId, timeline: 0, step, round: 0, quorumId: 9, index: 0, slices },
    ...(behind && { behind }),
  };
}

/** A single slot's contribution. */
function push(step: number, slot: number, quorumId = 1): [MessageOf<"push">, Uint8Array[]] {
  const graph = spec.phases[0]?.graphs.find(({ task }) => task === "first") as TaskGraph;
  const own = (owned[0] ?? []).filter(({ group }) => graph.groups.includes(layout.groups[group]?.name ?? ""));
  const metrics = Float64Array.from(metricNames(graph), () => slot + 1);
  return [
    {
      ...{ type: "push", runId, timeline: 0, step, round: 0, quorumId, task: "first" },
      node: { level: 0, index: slot },
      payloads: [
        ...own.map((slice) => ({ name: "gradient", reduce: "sum", dtype: "F32", slice }) as const),
        { name: "metrics", reduce: "sum", dtype: "F64" } as const,
      ],
    },
    [
      ...own.map(({ numbers }) => new Uint8Array(new Float32Array(numbers).fill(slot + 1).buffer)),
      new Uint8Array(metrics.buffer),
    ],
  ];
}

const nodesOf = (shard: FarEnd): string[] =>
  shard
    .all("push")
    .map(
      ({ node, parts = [] }) => `${node.level}:${node.index} of ${parts.map(([, , who]) => who).join("+")}`,
    );

/** Two workers with two slots each behind the relay, at step 0. */
function twoBehind(): Scene & { readonly a: FarEnd; readonly b: FarEnd } {
  const all = scene();
  all.way.serve({
    workers: [
      { workerId: "a", leases: [lease(0, 2)] },
      { workerId: "b", leases: [lease(2, 4)] },
    ],
  });
  const [a, b] = [all.worker("a"), all.worker("b")];
  all.clock.pass(10);
  all.shard().say(broadcast(0, places(1, 2)));
  return { ...all, a, b };
}

const places = (...all: number[]): NonNullable<MessageOf<"broadcast">["behind"]> =>
  all.map((place) => ({ place, quorumId: 1 }));

describe("weights that come through a relay", () => {
  it("come once for the whole host, which attaches once, when all are there", () => {
    const { way, clock, worker, shard } = scene();
    way.serve({ workers: ["a", "b"].map((workerId) => ({ workerId, leases: [] })) });
    const a = worker("a");
    clock.pass(50);
    expect(shard().heard).toEqual([]);
    const b = worker("b");
    clock.pass(50);
    expect(shard().all("attach")).toEqual([
      {
        ...{ type: "attach", runId, protocol: protocolVersion, workerId: "relay" },
        behind: [
          { workerId: "a", place: 1 },
          { workerId: "b", place: 2 },
        ],
      },
    ]);
    const bytes = new Uint8Array(8).fill(7);
    shard().say(
      broadcast(
        0,
        [
          { place: 1, quorumId: 4 },
          { place: 2, quorumId: 5 },
        ],
        [{ group: 0, start: 0, numbers: 2 }],
      ),
      [bytes],
    );
    expect(
      [a, b].map((end) => end.all("broadcast").map(({ quorumId, behind }) => [quorumId, behind])),
    ).toEqual([[[4, undefined]], [[5, undefined]]]);
    for (const end of [a, b]) expect(end.heard.at(-1)?.slices).toEqual([bytes]);
  });

  it("do without a member that does not come", () => {
    const { way, clock, worker, shard } = scene();
    way.serve({ workers: ["a", "b"].map((workerId) => ({ workerId, leases: [] })) });
    worker("a");
    clock.pass(300);
    expect(
      shard()
        .all("attach")
        .map(({ behind }) => behind?.length),
    ).toEqual([1]);
  });

  it("reach a newcomer from the first broadcast that names its place, and none before", () => {
    const { clock, shard, worker } = twoBehind();
    const c = worker("c");
    shard().say(broadcast(1, places(1, 2)));
    expect(c.heard).toEqual([]);
    clock.pass(10);
    expect(
      shard()
        .all("attach")
        .at(-1)
        ?.behind?.map(({ place }) => place),
    ).toEqual([1, 2, 3]);
    shard().say(broadcast(1, places(1, 2, 3)));
    expect(c.all("broadcast")).toHaveLength(1);
  });

  it("reach a worker that asks for all of them again, and what it had sent before counts", () => {
    const { a, b, shard, clock } = twoBehind();
    a.say({ type: "attach", runId, protocol: protocolVersion, workerId: "a" });
    for (const slot of [0, 1]) a.say(...push(0, slot));
    for (const slot of [2, 3]) b.say(...push(0, slot));
    expect(nodesOf(shard())).toEqual(["2:0 of a+a+b+b"]);
    clock.pass(10);
    expect(
      shard()
        .all("attach")
        .at(-1)
        ?.behind?.map(({ place }) => place),
    ).toEqual([2, 3]);
    // Of before the shard has heard of it.
    shard().say(broadcast(0, places(1, 2)));
    expect([a, b].map((end) => end.all("broadcast").length)).toEqual([1, 2]);
    shard().say(broadcast(0, places(2, 3)));
    expect([a, b].map((end) => end.all("broadcast").length)).toEqual([2, 3]);
  });

  it("end with the last worker: nobody is sent weights for", () => {
    const { a, b, shard } = twoBehind();
    a.close(closeCodes.goingAway);
    expect(shard().closed).toBeUndefined();
    b.close(closeCodes.goingAway);
    expect(shard().closed).toBeDefined();
  });
});

describe("sums that leave a host", () => {
  it("are one for all of it, with the names of who contributed", () => {
    const { a, b, shard } = twoBehind();
    for (const slot of [2, 3]) b.say(...push(0, slot));
    a.say(...push(0, 0));
    expect(nodesOf(shard())).toEqual([]);
    a.say(...push(0, 1));
    expect(nodesOf(shard())).toEqual(["2:0 of b+b+a+a"]);
  });

  it("do not wait for a worker that is not here, or goes", () => {
    const { a, b, shard } = twoBehind();
    for (const slot of [0, 1]) a.say(...push(0, slot));
    expect(nodesOf(shard())).toEqual([]);
    b.close(1006);
    expect(nodesOf(shard())).toEqual(["1:0 of a+a"]);
  });

  it("leave as they are when somebody takes much longer than steps do", () => {
    const { a, b, shard, clock } = twoBehind();
    // The same step, in one timeline after the other: so many are needed to be measured by.
    for (let timeline = 0; timeline < 5; timeline++) {
      shard().say({ ...broadcast(0, places(1, 2)), timeline });
      clock.pass(100);
      for (const [end, own] of [
        [a, [0, 1]],
        [b, [2, 3]],
      ] as const)
        for (const slot of own) {
          const [message, bytes] = push(0, slot);
          end.say({ ...message, timeline }, bytes);
        }
    }
    expect(shard().all("push")).toHaveLength(5);
    shard().say({ ...broadcast(0, places(1, 2)), timeline: 5 });
    const [message, bytes] = push(0, 0);
    a.say({ ...message, timeline: 5 }, bytes);
    clock.pass(200);
    expect(shard().all("push")).toHaveLength(5);
    clock.pass(100);
    expect(nodesOf(shard()).slice(5)).toEqual(["0:0 of a"]);
  });

  it("are made anew when the shard names another membership, and of members alone", () => {
    const { a, b, shard } = twoBehind();
    for (const slot of [0, 1]) a.say(...push(0, slot));
    shard().say(broadcast(0, [{ place: 2, quorumId: 2 }]));
    // No member any more, and what is of the older membership.
    a.say(...push(0, 0));
    b.say(...push(0, 2));
    for (const slot of [2, 3]) b.say(...push(0, slot, 2));
    expect(nodesOf(shard())).toEqual([]);
    a.close(1006);
    expect(nodesOf(shard())).toEqual(["1:1 of b+b"]);
  });

  it("go to a shard again that comes back, once it has said that it is at this step", () => {
    const { a, b, shard, reconnect, clock } = twoBehind();
    for (const slot of [0, 1]) a.say(...push(0, slot));
    for (const slot of [2, 3]) b.say(...push(0, slot));
    expect(nodesOf(shard())).toHaveLength(1);
    shard().close(1006);
    const back = reconnect();
    clock.pass(10);
    expect(back.all("attach")).toHaveLength(1);
    expect(nodesOf(back)).toEqual([]);
    back.say(broadcast(0, places(1, 2)));
    expect(nodesOf(back)).toHaveLength(1);
    expect(a.closed).toBeUndefined();
  });

  it("are kept while the shard gives the version before to somebody who attaches, and wait until it is at theirs again", () => {
    const { a, b, shard } = twoBehind();
    shard().say(broadcast(1, places(1, 2)));
    for (const slot of [0, 1]) a.say(...push(1, slot));
    shard().say(broadcast(0, places(1, 2)));
    expect(a.all("broadcast").map(({ step }) => step)).toEqual([0, 1, 0]);
    for (const slot of [2, 3]) b.say(...push(1, slot));
    expect(nodesOf(shard())).toEqual([]);
    shard().say(broadcast(1, places(1, 2)));
    expect(nodesOf(shard())).toEqual(["2:0 of a+a+b+b"]);
  });

  it("are of an earlier step again, where the shard has begun once more in the same timeline", () => {
    const { a, b, shard, reconnect, clock } = twoBehind();
    shard().say(broadcast(4, places(1, 2)));
    for (const slot of [0, 1]) a.say(...push(4, slot));
    shard().close(1006);
    const back = reconnect();
    clock.pass(10);
    back.say(broadcast(0, places(1, 2)));
    for (const slot of [0, 1]) a.say(...push(0, slot));
    for (const slot of [2, 3]) b.say(...push(0, slot));
    expect(back.all("push").map(({ step }) => step)).toEqual([0]);
    expect(nodesOf(back)).toEqual(["2:0 of a+a+b+b"]);
  });

  it("of steps that are over go on as their digests alone: an audit may be answered late", () => {
    const { a, b, shard } = twoBehind();
    shard().say(broadcast(1, places(1, 2)));
    a.say(...push(0, 3));
    const [told] = shard().all("push");
    expect([
      told?.step,
      told?.payloads,
      told?.parts?.map(([level, index, who]) => [level, index, who]),
    ]).toEqual([0, [], [[0, 3, "a"]]]);
    // Of a step that the shard has gone back before nothing is said.
    b.say(...push(2, 3));
    expect(shard().all("push")).toHaveLength(1);
  });
});

describe("a relay's peers", () => {
  it("are closed for what a shard would not take, each by itself", () => {
    const { a, b, shard } = twoBehind();
    const [message, bytes] = push(0, 0);
    a.say(message, bytes.slice(1));
    expect(a.closed?.code).toBe(closeCodes.protocolError);
    b.say({ ...message, runId: "other" }, bytes);
    expect(b.closed?.code).toBe(closeCodes.wrongRun);
    expect(shard().all("push")).toEqual([]);
  });

  it("hear that the run is over as the shard says it", () => {
    const { a, b, shard } = twoBehind();
    shard().close(closeCodes.done);
    for (const end of [a, b]) expect(end.closed?.code).toBe(closeCodes.done);
  });

  it("are replaced by their own newer connections, and cut off where another worker relays", () => {
    const { way, a, worker, shard, clock } = twoBehind();
    const again = worker("a");
    expect(a.closed?.code).toBe(closeCodes.replaced);
    clock.pass(10);
    expect(
      shard()
        .all("attach")
        .at(-1)
        ?.behind?.map(({ place }) => place),
    ).toEqual([2, 3]);
    way.close(closeCodes.goingAway, "another worker relays now");
    expect(again.closed?.code).toBe(closeCodes.goingAway);
    expect(shard().closed).toBeDefined();
  });
});
