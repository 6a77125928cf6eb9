import { createStepReduction, nodeName, type StepReduction, travellingNodes } from "@latentweave/aggregation";
import { type Codec, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import { createLayout, ownership } from "@latentweave/parameters";
import { planStep, pushCodec, type RunSpec } from "@latentweave/plan";
import { type Channel, type Lease, type MessageOf, ProtocolError } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaskPartials } from "../partials.ts";
import { openRelayedStep, type RelayedStep } from "./relayed-step.ts";
import { twoTasks } from "./testing/two-tasks.ts";

const arithmetic = loadArithmetic();
const runId = "r";

type Push = MessageOf<"push">;
interface Sent {
  readonly message: Push;
  readonly bytes: readonly Uint8Array[];
}

/** A job, one of its shards, and what each slot of its first step comes to. */
function scene(spec: RunSpec, shards: number, index: number, seed: number) {
  const layout = createLayout(spec.groups);
  const owned = ownership(layout, shards);
  const plan = planStep(spec, 0);
  const [round] = plan.rounds;
  if (!round) throw new Error("a step has a round");
  const graphOf = (task: string): TaskGraph =>
    spec.phases[plan.phase]?.graphs.find((one) => one.task === task) as TaskGraph;

  /** The pushes of a worker that computed these slots, to the shard. */
  const pushesOf = (task: string, slots: readonly number[]): Sent[] => {
    const taskRound = round.tasks.find((one) => one.task === task);
    if (!taskRound) throw new Error(`no task ${task}`);
    const graph = graphOf(task);
    const partials = createTaskPartials({
      ...{ arithmetic, layout, graph, round, task: taskRound, owned },
      ...{ codec: pushCodec(spec, round), agreement: undefined },
    });
    for (const slot of slots) partials.add(slot, gradientOf(graph, slot));
    const sent: Sent[] = [];
    for (const { node, payloads, bytes } of partials.unsent(index, undefined))
      sent.push({
        message: {
          type: "push",
          ...{ runId, timeline: 0, step: 0, round: 0, quorumId: 1, task, node, payloads },
        },
        bytes: bytes.map((one) => one.slice()),
      });
    partials.release();
    return sent;
  };
  const gradientOf = (graph: TaskGraph, slot: number) => ({
    gradients: graph.groups.map((group) => {
      const { numbers } = layout.groups.find(({ name }) => name === group) as { numbers: number };
      const at = arithmetic.allocate(numbers * 4);
      arithmetic.fillNormal(at, numbers, randomKey(seed, graph.task, group, slot), 0, 0, 1 + slot);
      const values = arithmetic.f32(at, numbers).slice();
      arithmetic.free(at, numbers * 4);
      return values;
    }),
    metrics: Float64Array.from(metricNames(graph), (_, place) => (slot + 1) / (3 + place + (seed % 7))),
  });
  const server = (): StepReduction =>
    createStepReduction({
      ...{ arithmetic, spec, layout, plan },
      ...{ owned: owned[index] ?? [], leader: index === 0 },
    });
  const relay = (): RelayedStep =>
    openRelayedStep({
      ...{ runId, arithmetic, index, timeline: 0, step: 0 },
      prepared: { spec, layout, owned },
    });
  return { pushesOf, server, relay, owned: owned[index] ?? [] };
}

/** Keeps what is sent. */
function channelOf(sent: Sent[]): Channel {
  const channel: Pick<Channel, "sendCopy"> = {
    sendCopy: (message, slices) =>
      void sent.push({ message: message as Push, bytes: slices.map((slice) => slice.slice()) }),
  };
  return channel as Channel;
}

/** Every sum of the step, as text. */
function sumsOf(reduction: StepReduction): string {
  return JSON.stringify(
    reduction.tasks.map((task) => [
      task.plan.task,
      task.slices.map(({ slice, reducer }) =>
        arithmetic.digest(arithmetic.u8(reducer.result(), slice.numbers * 4)),
      ),
      task.metrics && [...task.metrics.reducer.result()],
    ]),
  );
}

const compressions: readonly RunSpec["compression"][] = [
  undefined,
  ...(["bf16", "fp16", "int8"] as const satisfies readonly Codec[]).flatMap((codec) =>
    ([0, 1, "every"] as const).map((level) => ({ push: { codec, level } })),
  ),
];

const cases = fc.record({
  slots: fc.integer({ min: 1, max: 13 }),
  compression: fc.constantFrom(...compressions),
  shards: fc.integer({ min: 1, max: 2 }),
  /** By slot: the worker that has it, of which those below `here` are behind the relay. */
  owners: fc.array(fc.nat(5), { minLength: 13, maxLength: 13 }),
  here: fc.integer({ min: 1, max: 6 }),
  order: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 90, maxLength: 90 }),
  /** Everything is sent as it is from then on. */
  impatientAfter: fc.nat(30),
  seed: fc.nat(1000),
});

describe("sums that are completed on the way", () => {
  it("come to the bits of sums that were not, whoever has which slots, in whatever order, waited for or not", () => {
    fc.assert(
      fc.property(cases, ({ slots, compression, shards, owners, here, order, impatientAfter, seed }) => {
        const spec = twoTasks(slots, compression);
        const { pushesOf, server, relay } = scene(spec, shards, seed % shards, seed);
        const leases: Lease[] = [];
        const pushes = spec.tasks.flatMap(({ name: task }) =>
          [...new Set(owners)].flatMap((owner) => {
            const own = Array.from({ length: slots }, (_, slot) => slot).filter(
              (slot) => owners[slot] === owner,
            );
            if (owner < here) leases.push(...own.map((slot) => ({ task, start: slot, end: slot + 1 })));
            return pushesOf(task, own).map((sent) => ({ ...sent, owner }));
          }),
        );
        const direct = server();
        for (const { message, bytes, owner } of pushes) direct.accept(message, bytes, `w${owner}`);

        const together = server();
        const way = relay();
        const sent: Sent[] = [];
        const channel = channelOf(sent);
        const shuffled = pushes.toSorted(
          (a, b) => (order[pushes.indexOf(a)] ?? 0) - (order[pushes.indexOf(b)] ?? 0),
        );
        for (const [count, { message, bytes, owner }] of shuffled.entries()) {
          if (owner >= here) {
            together.accept(message, bytes, `w${owner}`);
            continue;
          }
          way.accept(message, bytes, `w${owner}`);
          way.send(channel, 1, count >= impatientAfter ? undefined : leases);
          for (const one of sent.splice(0)) together.accept(one.message, one.bytes, "relay");
        }
        expect(sumsOf(together)).toBe(sumsOf(direct));
        expect(way.isSent(leases)).toBe(true);
        // The record names the same contributions: each that was received, by whom, with what digest.
        const recorded = (reduction: StepReduction): unknown =>
          reduction.received().map(({ task, nodes }) => [task, nodes.toSorted(bySlot)]);
        expect(recorded(together)).toEqual(recorded(direct));
        for (const reduction of [direct, together, way]) reduction.release();
      }),
      { numRuns: 150 },
    );
    // Nothing is left of any step.
    const before = arithmetic.usedBytes;
    const { relay, pushesOf } = scene(twoTasks(5), 1, 0, 1);
    const way = relay();
    for (const { message, bytes } of pushesOf("first", [0, 1, 4])) way.accept(message, bytes, "w");
    way.release();
    expect(arithmetic.usedBytes).toBe(before);
  });

  it("leave as the fewest nodes of what everybody here has, each once, and again for a shard that asks", () => {
    const spec = twoTasks(12);
    const { pushesOf, relay } = scene(spec, 1, 0, 1);
    const way = relay();
    const sent: Sent[] = [];
    const channel = channelOf(sent);
    const whole = [
      { task: "first", start: 2, end: 5 },
      { task: "first", start: 5, end: 8 },
    ];
    const give = (slots: readonly number[], worker: string): void => {
      for (const { message, bytes } of pushesOf("first", slots)) {
        way.accept(message, bytes, worker);
        way.send(channel, 1, whole);
      }
    };
    give([5, 6, 7], "b");
    expect(sent).toEqual([]);
    give([2, 3, 4], "a");
    const due = travellingNodes(undefined, 2, 8, 12).map(nodeName);
    expect(sent.map(({ message }) => nodeName(message.node))).toEqual(due);
    expect(due).toEqual(["1:1", "2:1"]);
    expect(
      sent.map(({ message }) => message.parts?.map(([level, index, who]) => `${level}:${index} ${who}`)),
    ).toEqual([["1:1 a"], ["0:5 b", "1:3 b", "0:4 a"]]);
    way.send(channel, 1, whole);
    expect(sent).toHaveLength(2);
    way.forgetSent();
    way.send(channel, 1, whole);
    expect(sent.slice(2)).toEqual(sent.slice(0, 2));
    way.release();
  });

  it("leave at once where nobody here adds to them: slots that somebody elsewhere is late with, or another one's audited", () => {
    const { pushesOf, relay } = scene(twoTasks(8), 1, 0, 1);
    const way = relay();
    const sent: Sent[] = [];
    for (const { message, bytes } of pushesOf("first", [6])) way.accept(message, bytes, "a");
    way.send(channelOf(sent), 1, [{ task: "first", start: 0, end: 4 }]);
    expect(sent.map(({ message }) => nodeName(message.node))).toEqual(["0:6"]);
    way.release();
  });

  it("are followed by what contradicts them: another's bits for the same node, and nothing of the same bits", () => {
    const spec = twoTasks(4);
    const { pushesOf, relay } = scene(spec, 1, 0, 1);
    const [right] = pushesOf("first", [0, 1]);
    const [wrong] = scene(spec, 1, 0, 2).pushesOf("first", [0, 1]);
    const [other] = pushesOf("first", [2, 3]);
    if (!right || !wrong || !other) throw new Error("three sums");
    const way = relay();
    const sent: Sent[] = [];
    const whole = [{ task: "first", start: 0, end: 4 }];
    const channel = channelOf(sent);
    for (const [push, who] of [
      [right, "a"],
      [wrong, "liar"],
      [right, "auditor"],
      [right, "a"],
    ] as const) {
      way.accept(push.message, push.bytes, who);
      way.send(channel, 1, whole);
    }
    expect(sent).toEqual([]);
    way.accept(other.message, other.bytes, "b");
    way.send(channel, 1, whole);
    expect(sent.map(({ message }) => [nodeName(message.node), message.payloads.length > 0])).toEqual([
      ["2:0", true],
      ["1:0", false],
    ]);
    expect(sent[1]?.message.parts).toEqual([[1, 0, "liar", arithmetic.digest(...wrong.bytes)]]);
    way.release();
  });

  it("take nothing that the shard would not: a node that is none, bytes that are missing, a part of a push", () => {
    const { pushesOf, relay } = scene(twoTasks(4), 1, 0, 1);
    const [push] = pushesOf("first", [0]);
    if (!push) throw new Error("a sum");
    const way = relay();
    const { message, bytes } = push;
    expect(() => way.accept({ ...message, node: { level: 0, index: 4 } }, bytes, "a")).toThrow(ProtocolError);
    expect(() =>
      way.accept(
        message,
        bytes.map((one) => one.subarray(4)),
        "a",
      ),
    ).toThrow(ProtocolError);
    expect(() =>
      way.accept({ ...message, payloads: message.payloads.slice(1) }, bytes.slice(1), "a"),
    ).toThrow(/payloads, not the/);
    expect(() => way.accept({ ...message, task: "third" }, bytes, "a")).toThrow(ProtocolError);
    way.release();
  });
});

function bySlot(
  [a, i]: readonly [number, number, ...unknown[]],
  [b, j]: readonly [number, number, ...unknown[]],
): number {
  return i * 2 ** a - j * 2 ** b || a - b;
}
