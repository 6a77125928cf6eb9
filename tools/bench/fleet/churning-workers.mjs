/**
 * A process with hundreds of workers, some of which leave and join all the time. Each is the product's own engine on the
 * product's own connections; only the arithmetic of its model is done in plain JavaScript. Runs inside a bundle, forked
 * by `churn.mjs`: {start}, {churn}, {stop} come in, {active}, {report} go out.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { loadArithmetic } from "@latentweave/arithmetic";
import { systemClock } from "@latentweave/protocol";
import { createPlainCompute } from "@latentweave/simulator";
import { createWorker } from "@latentweave/worker-engine";
import { createConnections, webSocketUrl } from "./connections.mjs";

const { url, runId, name, workers: count, heartbeatMs } = JSON.parse(process.argv[2]);
/** Shared: a memory of its own for each would be most of the process. */
const arithmetic = loadArithmetic();
const roundTripsMs = [];
const connections = createConnections((ms) => roundTripsMs.push(ms), heartbeatMs);
const delay = monitorEventLoopDelay({ resolution: 10 });
const running = new Map();
const ends = { left: 0, cut: 0, joined: 0, failed: 0, failures: [] };
let made = 0;
let churning;

/** Rows are functions of their place: nothing is stored. */
const rows = {
  async rows(_split, refs) {
    const x = new Float32Array(refs.length * width);
    for (const [place, { shard, row }] of refs.entries())
      for (let i = 0; i < width; i++) x[place * width + i] = ((shard * 31 + row * 17 + i * 7) % 97) / 97;
    return { x, columns: {} };
  },
  prefetch: () => undefined,
  fetchedBytes: 0,
  close: async () => undefined,
};
const { width } = JSON.parse(process.argv[2]);

function startWorker(workerId) {
  const stopping = new AbortController();
  const channels = new Set();
  const keep = (address, onChannel, signal) =>
    connections.keep(
      address,
      (channel) => {
        channels.add(channel);
        channel.onClose(() => channels.delete(channel));
        onChannel(channel);
      },
      signal,
    );
  const worker = createWorker({
    runId,
    workerId,
    arithmetic,
    clock: systemClock,
    compute: createPlainCompute(),
    canary: async () => "fleet",
    openRows: async () => rows,
    keepShard(address, onChannel) {
      const shard = new AbortController();
      stopping.signal.addEventListener("abort", () => shard.abort(), { once: true });
      keep(webSocketUrl(url, address), onChannel, shard.signal).catch(fail);
      return { stop: () => shard.abort() };
    },
    identity: { host: name, pid: process.pid, software: "fleet" },
    residentBytes: () => 0,
    log: () => undefined,
  });
  const fail = (error) => {
    ends.failed += 1;
    if (ends.failures.length < 5) ends.failures.push(String(error?.message ?? error));
  };
  running.set(workerId, {
    leave: () => worker.leave("enough"),
    /** Its connections end without a word. */
    cut() {
      for (const channel of channels) channel.close(1001, "");
      stopping.abort();
      worker.leave("cut");
    },
  });
  worker.ended.then((end) => {
    stopping.abort();
    if (end.kind === "failed") fail(end.error);
  });
  keep(webSocketUrl(url, "/v1/coordinator"), (channel) => worker.join(channel), stopping.signal).then(
    (end) => {
      if (end.kind === "fatal") fail(new Error(end.reason));
    },
    fail,
  );
}

/** One goes, of its own accord or cut off; one comes, under the same name or another. */
function change() {
  const [workerId, worker] = [...running][Math.floor(Math.random() * running.size)];
  running.delete(workerId);
  const isCut = made % 2 === 0;
  if (isCut) worker.cut();
  else worker.leave();
  ends[isCut ? "cut" : "left"] += 1;
  ends.joined += 1;
  startWorker(made % 4 === 0 ? workerId : `${name}-${made}`);
  made += 1;
}

process.on("message", (message) => {
  if (message.kind === "start") {
    for (; made < count; made++) startWorker(`${name}-${made}`);
    delay.enable();
  } else if (message.kind === "churn") {
    roundTripsMs.length = 0;
    delay.reset();
    const startedMs = performance.now();
    let done = 0;
    // As many as are due, so that a process that is held up catches up.
    churning = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * message.perSecond);
      for (; done < due; done++) change();
    }, 10);
  } else if (message.kind === "stop") {
    clearInterval(churning);
    process.send({ kind: "report", ends, roundTripsMs, stalledMs: delay.percentile(99) / 1e6 });
    process.disconnect();
    setTimeout(() => process.exit(0), 200);
  }
});
process.on("disconnect", () => process.exit(0));
