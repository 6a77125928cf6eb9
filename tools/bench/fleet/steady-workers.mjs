/**
 * A process with hundreds of peers that push one contribution each as soon as they get the weights of a step, which
 * costs them nothing to compute: what is measured is the parameter server and the way there. Runs inside a bundle,
 * forked by `barrier.mjs`; with `bare` it speaks to a server that only counts. {step, lastMs} go out: when the last of
 * this process's peers had its answer.
 */
import { portionField, portionsOf } from "@latentweave/aggregation";
import { metricNames } from "@latentweave/model";
import { createLayout, ownership } from "@latentweave/parameters";
import { protocolVersion } from "@latentweave/protocol";
import { setFlagsFromString } from "node:v8";
import { WebSocket } from "ws";
import { createConnections, webSocketUrl } from "./connections.mjs";

// As the product's own workers have it (apps/cli/src/command/tensor-memory.ts).
setFlagsFromString("--heap-growing-percent=300");
const { url, runId, name, workers: count, bare, contributionBytes } = JSON.parse(process.argv[2]);
const answered = new Map();

function note(step) {
  const peers = (answered.get(step) ?? 0) + 1;
  answered.set(step, peers);
  if (peers < count) return;
  answered.delete(step);
  process.send({ kind: "step", step, lastMs: performance.timeOrigin + performance.now() });
}

function startBare() {
  const bytes = new Uint8Array(contributionBytes);
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(url, { perMessageDeflate: false, generateMask: (mask) => mask.fill(0) });
    let step = 0;
    socket.on("message", () => {
      note(step++);
      socket.send(bytes);
    });
    socket.on("error", fail);
  }
}

function fail(error) {
  process.send?.({ kind: "failed", message: String(error?.message ?? error) });
}

/** Payload headers and bytes of any contribution of a task's only task. */
function contributionOf(spec) {
  const layout = createLayout(spec.groups);
  const [graph] = spec.phases[0].graphs;
  const used = new Set(
    graph.groups.map((group) => layout.groups.find((entry) => entry.name === group).index),
  );
  const slices = ownership(layout, 1)[0].filter(({ group }) => used.has(group));
  const payloads = [
    ...slices.map((slice) => ({ name: "gradient", reduce: "sum", dtype: "F32", slice })),
    { name: "metrics", reduce: "sum", dtype: "F64" },
  ];
  const bytes = [
    ...slices.map(({ numbers }) => new Uint8Array(numbers * 4)),
    new Uint8Array(metricNames(graph).length * 8),
  ];
  return { task: graph.task, payloads, bytes };
}

let contribution;

function startWorker(workerId) {
  const { keep } = createConnections();
  const { signal } = new AbortController();
  let assignment;
  let current;
  let shard;
  const push = () => {
    if (!assignment || !current || !shard || current.quorumId < assignment.quorumId) return;
    const { timeline, step, round, quorumId, offersOver = Infinity, portionBytes } = current;
    current = undefined;
    const sizes = contribution.bytes.map(({ length }) => length);
    const isOffered = sizes.reduce((sum, length) => sum + length, 0) > offersOver;
    for (const { start, end } of assignment.leases)
      for (let index = start; index < end; index++) {
        const of = { timeline, step, round, task: contribution.task, node: { level: 0, index } };
        if (isOffered) shard.send({ type: "offer", runId, quorumId, ...of });
        else for (const [from, to] of portionsOf(sizes, portionBytes)) send(quorumId, of, from, to);
      }
  };
  const send = (quorumId, of, from, to) => {
    const { payloads, bytes } = contribution;
    const part = payloads.slice(from, to);
    const portion = portionField(from, part.length, payloads.length);
    shard.send({ type: "push", runId, quorumId, ...of, payloads: part, ...portion }, bytes.slice(from, to));
  };
  const answer = ({ timeline, step, round, task, node, from, to }) =>
    send(assignment.quorumId, { timeline, step, round, task, node }, from, to);
  const fromShard = (channel) => {
    shard = channel;
    channel.onMessage((message) => {
      if (message.type === "ask") answer(message);
      if (message.type !== "broadcast") return;
      if (message.slices.length > 0) note(message.step);
      current = message;
      push();
    });
    channel.send({ type: "attach", runId, protocol: protocolVersion, workerId });
  };
  const fromCoordinator = (channel) => {
    channel.onMessage((message) => {
      if (message.type === "welcome") {
        contribution ??= contributionOf(JSON.parse(message.spec));
        channel.send({ type: "canary", runId, digest: "fleet" });
        keep(webSocketUrl(url, message.shards[0]), fromShard, signal).catch(fail);
      } else if (message.type === "assignment") {
        assignment = message;
        push();
      }
    });
    channel.send({
      ...{ type: "hello", runId, protocol: protocolVersion, role: "worker", id: workerId },
      ...{ host: name, pid: process.pid, software: "fleet", determinismClass: { backend: "plain" } },
    });
  };
  keep(webSocketUrl(url, "/v1/coordinator"), fromCoordinator, signal).catch(fail);
}

if (bare) startBare();
else for (let i = 0; i < count; i++) startWorker(`${name}-${i}`);
process.on("disconnect", () => process.exit(0));
