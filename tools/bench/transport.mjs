// Measures how many bytes a second one channel carries on loopback, each way, between two processes:
//   node tools/bench/transport.mjs [--bytes 3300000,16000000] [--seconds 2] [--slices 8]
// Prints one JSON line per message size. Bundles the transport library first, as the released program does.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundleSources } from "../build/bundle-sources.mjs";

const library = process.env.BENCH_TRANSPORT_LIBRARY;
const shared = { maxFrameBytes: 256 * 1024 * 1024, heartbeatMs: 10_000 };
const message = (reason) => ({ type: "leaving", runId: "bench", reason });

if (library !== undefined) await worker();
else await main();

async function load(file) {
  const { createServer, createWebSocketDialer, parseMessage, systemClock } = await import(
    pathToFileURL(file).href
  );
  return { createServer, createWebSocketDialer, options: { ...shared, parseMessage, clock: systemClock } };
}

/** Sends for a while, and reports how fast it all left and was acknowledged. */
async function blast(channel, sliceBytes, slices, seconds) {
  const tensors = Array.from({ length: slices }, () => new Uint8Array(sliceBytes));
  const acknowledged = new Promise((resolve) => channel.onMessage(resolve));
  const start = performance.now();
  let messages = 0;
  for (; performance.now() - start < seconds * 1000; messages++) {
    channel.send(message("tensor"), tensors);
    await channel.drained();
  }
  channel.send(message("end"));
  await acknowledged;
  return (messages * slices * sliceBytes) / (performance.now() - start) / 1000;
}

function sink(channel) {
  return new Promise((resolve) => {
    channel.onMessage((got) => {
      if (got.reason !== "end") return;
      channel.send(message("acknowledged"));
      resolve();
    });
  });
}

async function worker() {
  const { url, sliceBytes, slices, seconds } = JSON.parse(process.argv[2]);
  const { createWebSocketDialer, options } = await load(library);
  const channel = await createWebSocketDialer(options).dial(url);
  await sink(channel);
  process.send(await blast(channel, sliceBytes, slices, seconds));
  channel.close(1000, "measured");
}

async function main() {
  const { values } = parseArgs({
    options: {
      bytes: { type: "string", default: "3300000,16000000" },
      seconds: { type: "string", default: "2" },
      slices: { type: "string", default: "8" },
    },
  });
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  try {
    const file = path.join(folder, "transport.mjs");
    await bundleSources(
      `export { createServer, createWebSocketDialer } from "@latentweave/transport";
        export { parseMessage, systemClock } from "@latentweave/protocol";`,
      file,
    );
    for (const bytes of values.bytes.split(",").map(Number)) {
      await measure(file, bytes, Number(values.slices), Number(values.seconds));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(file, messageBytes, slices, seconds) {
  const { createServer, options } = await load(file);
  const sliceBytes = Math.floor(messageBytes / slices);
  let arrived;
  const channelArrived = new Promise((resolve) => (arrived = resolve));
  const onChannel = (_, channel) => arrived(channel);
  const server = await createServer({
    ...options,
    host: "127.0.0.1",
    port: 0,
    onChannel,
    log: console.error,
  });
  const argument = JSON.stringify({ url: server.url, sliceBytes, slices, seconds });
  const child = fork(fileURLToPath(import.meta.url), [argument], {
    env: { ...process.env, BENCH_TRANSPORT_LIBRARY: file },
  });
  const fromWorker = new Promise((resolve) => child.once("message", resolve));
  const channel = await channelArrived;
  const toWorker = await blast(channel, sliceBytes, slices, seconds);
  await sink(channel);
  const result = {
    messageBytes: sliceBytes * slices,
    slices,
    toWorkerMBps: toWorker,
    toServerMBps: await fromWorker,
  };
  console.log(JSON.stringify(result, (_, value) => (typeof value === "number" ? Math.round(value) : value)));
  await server.close();
}
