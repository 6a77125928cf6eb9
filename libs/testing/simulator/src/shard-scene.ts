import { loadArithmetic } from "@latentweave/arithmetic";
import { metricNames } from "@latentweave/model";
import { createShard, type OfferPolicy, type Shard } from "@latentweave/parameter-server-engine";
import { createLayout, ownership } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { type Message, type MessageOf, type PayloadHeader, protocolVersion } from "@latentweave/protocol";
import { createFakePeer, type FakePeer } from "./fake-peer.ts";
import { smallSpec } from "./small-job.ts";
import { createVirtualClock } from "./virtual-clock.ts";

/* A real shard, whose coordinator and workers are in the hands of a test. */

export const runId = "r";
export const spec = smallSpec({ steps: 3, evaluation: null });
export const layout = createLayout(spec.groups);

export interface Scene {
  readonly coordinator: FakePeer;
  readonly shard: Shard;
  readonly failure: () => unknown;
  connect(name: string): FakePeer;
  /** A worker that has attached. */
  worker(workerId: string): Promise<FakePeer>;
}

/** A shard that knows nothing of its run yet. */
export function newShard(shards = 1, offers?: OfferPolicy): Scene {
  const clock = createVirtualClock();
  let failure: unknown;
  const shard = createShard({
    runId,
    index: 0,
    shards,
    arithmetic: loadArithmetic(),
    clock,
    keepShard() {
      throw new Error("shard 0 leads");
    },
    identity: { host: "h", pid: 1, software: "test", port: 1 },
    residentBytes: () => 0,
    ...(offers && { offers }),
    log: () => undefined,
  });
  shard.ended.catch((error: unknown) => {
    failure = error;
  });
  const coordinator = createFakePeer(clock, "coordinator", (channel) => shard.join(channel));
  const connect = (name: string): FakePeer => createFakePeer(clock, name, (channel) => shard.accept(channel));
  return {
    coordinator,
    shard,
    failure: () => failure,
    connect,
    async worker(workerId) {
      const peer = connect(workerId);
      await peer.say({ type: "attach", runId, protocol: protocolVersion, workerId });
      return peer;
    },
  };
}

/** The only shard of a run, at version 0, with "w" and "v" as members. */
export async function begunShard(runSpec: RunSpec = spec, shards = 1, offers?: OfferPolicy): Promise<Scene> {
  const scene = newShard(shards, offers);
  const { coordinator } = scene;
  const data = { kind: "directory", at: "d" } as const;
  await coordinator.say({
    type: "welcome",
    runId,
    generation: 1,
    runKey: "key",
    spec: JSON.stringify(runSpec),
    shards: [],
    data,
  });
  await coordinator.say({ type: "begin", runId, timeline: 0, step: 0, from: "initial" });
  const workers = ["w", "v"].map((workerId) => ({
    workerId,
    tasks: ["first", "second"],
    since: 1,
  }));
  await coordinator.say({ type: "members", runId, quorumId: 1, workers });
  return scene;
}

const taskOf = (name: string): RunSpec["tasks"][number] =>
  spec.tasks.find((task) => task.name === name) as never;
const graphOf = (name: string) =>
  spec.phases[0]?.graphs.find((graph) => graph.task === name) as never as Parameters<
    typeof metricNames
  >[0] & { groups: readonly string[] };

export function payloadsOf(task: string, value: number): { payloads: PayloadHeader[]; bytes: Uint8Array[] } {
  const slices = (ownership(layout, 1)[0] ?? []).filter((slice) =>
    graphOf(task).groups.includes(layout.groups[slice.group]?.name ?? ""),
  );
  const gradients = slices.map((slice) => new Float32Array(slice.numbers).fill(value));
  const metrics = new Float64Array(metricNames(graphOf(task)).length).fill(1);
  return {
    payloads: [
      ...slices.map((slice): PayloadHeader => ({ name: "gradient", reduce: "sum", dtype: "F32", slice })),
      { name: "metrics", reduce: "sum", dtype: "F64" },
    ],
    bytes: [...gradients, metrics].map((numbers) => new Uint8Array(numbers.buffer)),
  };
}

export async function push(
  peer: FakePeer,
  task: string,
  node: { level: number; index: number },
  change: Partial<MessageOf<"push">> = {},
  value = 1,
): Promise<void> {
  const { payloads, bytes } = payloadsOf(task, value);
  await peer.say(
    { type: "push", runId, timeline: 0, step: 0, round: 0, quorumId: 1, task, node, payloads, ...change },
    bytes,
  );
}

/** The tree's root over a task's slots. */
export const rootOf = (task: string) => ({ level: Math.ceil(Math.log2(taskOf(task).slots)), index: 0 });

export async function wholeStep(peer: FakePeer, step = 0): Promise<void> {
  for (const task of ["first", "second"]) await push(peer, task, rootOf(task), { step });
}

export const attach = (change: object): Message => ({
  type: "attach",
  runId,
  protocol: protocolVersion,
  workerId: "w",
  ...change,
});
