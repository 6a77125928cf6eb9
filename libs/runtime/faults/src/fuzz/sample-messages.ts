import { type Message, type MessageOf, protocolVersion } from "@latentweave/protocol";

/** A message with its tensors. */
export interface Sample {
  readonly message: Message;
  readonly slices: readonly Uint8Array[];
}

const tensor = (numbers: number): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: numbers }, (_, i) => i).buffer);

/**
 * One valid message of every kind, to be damaged. Whoever says hello or attaches in it is called `id`.
 */
export function sampleMessages(runId: string, id: string): readonly Sample[] {
  const at = { runId, timeline: 0, step: 3 };
  const slice = { group: 0, start: 0, numbers: 16 };
  const lease = { task: "table", start: 0, end: 2 };
  const digest = "0123456789abcdef";
  const nodes: MessageOf<"reduced">["received"][number]["nodes"] = [[0, 1, id, digest]];
  const profile: NonNullable<MessageOf<"worker-report">["profile"]> = {
    ...{ pid: 1, host: "elsewhere", clock: "x", zeroMs: 5.5, sentMs: 9, heard: [12, 7] },
    ...{ names: [id], spans: [4, 1, 0, 3, 8000, 250], lost: 0 },
  };
  const samples: { readonly [Type in Message["type"]]: readonly [MessageOf<Type>, ...Uint8Array[]] } = {
    hello: [
      {
        ...{ type: "hello", runId, protocol: protocolVersion, role: "worker", id },
        ...{ host: "elsewhere", pid: 1, software: "fuzz", determinismClass: { backend: "native" } },
      },
    ],
    welcome: [
      {
        ...{ type: "welcome", runId, runKey: "key", generation: 1, spec: "{}" },
        ...{ shards: ["/v1/shards/0"], data: { kind: "url", at: "/data" } },
        profile: { nowMs: 5, zeroMs: 100 },
      },
    ],
    canary: [{ type: "canary", runId, digest: "00" }],
    assignment: [
      {
        ...{ type: "assignment", runId, quorumId: 1, rank: 0, worldSize: 1, leases: [lease] },
        audits: [{ workerId: id, share: 0.5, leases: [lease] }],
      },
    ],
    help: [{ type: "help", ...at, leases: [lease] }],
    shards: [{ type: "shards", runId, addresses: ["/v1/shards/0"] }],
    "worker-report": [
      {
        ...{ type: "worker-report", runId, fetchedBytes: 0, residentBytes: 1, profile },
        steps: [{ step: 3, timings: { compute: 1.5 }, microBatches: 2, samples: 8 }],
      },
    ],
    leaving: [{ type: "leaving", runId, reason: "enough" }],
    failed: [{ type: "failed", runId, message: "no" }],
    finish: [{ type: "finish", runId, reason: "over" }],
    members: [
      { type: "members", runId, quorumId: 1, workers: [{ workerId: id, tasks: ["table"], since: 1 }] },
    ],
    suspect: [
      { type: "suspect", ...at, round: 0, task: "table", node: { level: 0, index: 1 }, workers: [id, "b"] },
    ],
    unfit: [
      {
        ...{ type: "unfit", ...at, reason: "a gradient holds NaN or infinity" },
        tasks: [{ task: "table", round: 0, shards: [{ index: 0, nodes }] }],
      },
    ],
    pause: [{ type: "pause", ...at }],
    held: [{ type: "held", runId, index: 0, state: { timeline: 0, version: 3, running: true, over: false } }],
    begin: [{ type: "begin", ...at, from: "initial" }],
    restore: [{ type: "restore", runId, section: "parameters", slice }, tensor(16)],
    ready: [{ type: "ready", ...at, index: 0 }],
    checkpoint: [{ type: "checkpoint", runId, version: 3, attempt: 1 }],
    "checkpoint-place": [
      {
        ...{ type: "checkpoint-place", runId, version: 3, place: "here", files: ["/nowhere"] },
        ranges: [{ section: "parameters", slice, file: 0, position: 128 }],
      },
    ],
    "checkpoint-slice": [
      { type: "checkpoint-slice", runId, version: 3, attempt: 0, section: "parameters", slice },
      tensor(16),
    ],
    "checkpoint-taken": [{ type: "checkpoint-taken", runId, version: 3, attempt: 0 }],
    "checkpoint-end": [{ type: "checkpoint-end", runId, version: 3, attempt: 0, index: 0 }],
    stop: [{ type: "stop", runId, reason: "enough" }],
    committed: [
      {
        ...{ type: "committed", ...at, version: 4, learningRate: 0.1, gradientNorm: null, duplicates: 0 },
        tasks: [
          {
            ...{ task: "table", round: 0, slots: 2, samples: 8, metrics: { loss: 1 } },
            shards: [{ index: 0, nodes }],
          },
        ],
        ...{ timings: { reduce: 1 }, digest: "", last: false },
      },
    ],
    late: [{ type: "late", ...at, missing: [lease] }],
    stopped: [{ type: "stopped", runId, version: 3, reason: "enough" }],
    "committed-ack": [{ type: "committed-ack", ...at }],
    settled: [{ type: "settled", runId, timeline: 0, version: 3, digest: "" }],
    "shard-report": [
      {
        ...{
          type: "shard-report",
          runId,
          index: 0,
          steps: [{ step: 3, timings: { update: 1 }, pushedBytes: 9, broadcastBytes: 8, cosine: 0.9 }],
        },
        ...{ receivedBytes: 1, sentBytes: 1, residentBytes: 1, profile },
      },
    ],
    attach: [{ type: "attach", runId, protocol: protocolVersion, workerId: id }],
    weights: [
      {
        ...{ type: "weights", runId, index: 0, file: "latentweave-vault-none", writingAt: 65_616 },
        slices: [{ group: 0, start: 0, numbers: 16, at: [131_072, 147_456] }],
      },
    ],
    "weights-mapped": [{ type: "weights-mapped", runId, index: 0 }],
    push: [
      {
        ...{ type: "push", ...at, round: 0, quorumId: 1, task: "table", node: { level: 0, index: 1 } },
        payloads: [
          { name: "gradient", reduce: "sum", dtype: "F32", slice },
          { name: "metrics", reduce: "sum", dtype: "F64" },
        ],
      },
      ...[tensor(16), new Uint8Array(8)],
    ],
    offer: [{ type: "offer", ...at, round: 0, quorumId: 1, task: "table", node: { level: 0, index: 1 } }],
    ask: [{ type: "ask", ...at, round: 0, task: "table", node: { level: 0, index: 1 }, from: 0, to: 2 }],
    broadcast: [{ type: "broadcast", ...at, round: 0, quorumId: 1, index: 0, slices: [slice] }, tensor(16)],
    "attach-shard": [{ type: "attach-shard", runId, protocol: protocolVersion, index: 1 }],
    applied: [{ type: "applied", runId, timeline: 0, index: 1, version: 3 }, new Uint8Array(8)],
    reduced: [
      {
        ...{ type: "reduced", ...at, round: 0, index: 1, finite: true },
        ...{ received: [{ task: "table", round: 0, nodes }], blocks: [{ group: 0, block: 0 }] },
      },
      new Uint8Array(8),
    ],
    decide: [
      {
        ...{ type: "decide", ...at, round: 0, weights: [1], scale: 1 },
        ...{ abandon: false, checkpoint: false, last: false },
      },
    ],
    points: [{ type: "points", runId, timeline: 0, index: 0, own: [3], kept: [3] }],
    point: [{ type: "point", runId, timeline: 0, version: 3 }],
    "point-lacking": [{ type: "point-lacking", runId, timeline: 0, index: 0, version: 3 }],
    assign: [{ type: "assign", runId, timeline: 0, work: [{ planned: 3, basis: 2, workers: [id] }] }],
    lacking: [{ type: "lacking", runId, timeline: 0, workerId: id, work: { planned: 3, basis: 2 } }],
    orphaned: [{ type: "orphaned", ...at, index: 1 }],
    "attach-buddy": [{ type: "attach-buddy", runId, protocol: protocolVersion, index: 0 }],
    "point-slice": [
      { type: "point-slice", runId, timeline: 0, version: 3, section: "parameters", slice },
      tensor(16),
    ],
    "point-end": [{ type: "point-end", runId, timeline: 0, version: 3, pieces: 1, held: true }],
    "point-wanted": [{ type: "point-wanted", runId, version: 3 }],
  };
  return Object.values(samples).map(([message, ...slices]) => ({ message, slices }));
}
