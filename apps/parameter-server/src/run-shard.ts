import os from "node:os";
import { readOwnFaults } from "@latentweave/faults";
import { loadFastArithmetic } from "@latentweave/native";
import { createShard } from "@latentweave/parameter-server-engine";
import { type Channel, parseMessage, type ShardMoment, systemClock } from "@latentweave/protocol";
import { type FileVault, openSharedMemory, openShardVault } from "@latentweave/vault";
import { atMostEvery, createSpanRecorder } from "@latentweave/telemetry";
import {
  createServer,
  createWebSocketDialer,
  hostIdentity,
  type InProcess,
  keepConnected,
} from "@latentweave/transport";
import { openCheckpointFiles } from "./checkpoint-files.ts";
import { updateThreads } from "./update-threads.ts";

export interface ShardProcessOptions {
  /** http://host:port of the coordinator. */
  readonly coordinator: string;
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly token?: string;
  /** Where this host has the run's folder. */
  readonly runDirectory?: string;
  /** Where to listen; loopback unless workers of other hosts are to reach the shard directly. */
  readonly host?: string;
  readonly port?: number;
  readonly software: string;
  /** A worker of this process reaches the shard by it. */
  readonly inProcess?: InProcess;
  /** Called once the port is open. */
  readonly onListening: (port: number) => void;
  readonly log: (line: string) => void;
}

/** A frame holds at most one tree node's slices for one shard. */
const maxFrameBytes = 2 ** 31 - 1;
const heartbeatMs = 5_000;
/** To ask for it takes longer than to send a message. */
const residentEveryMs = 1_000;

/** One parameter-server shard as a process: until the run is over. @throws when the shard cannot go on. */
export async function runShardProcess(options: ShardProcessOptions, signal: AbortSignal): Promise<string> {
  const { runId, index, shards, token, log } = options;
  const faults = readOwnFaults<ShardMoment>("shard");
  const sharedMemory = openSharedMemory(log);
  const spans = createSpanRecorder({
    ...{ nowMs: () => systemClock.nowMs(), hostNowMs: () => Number(process.hrtime.bigint()) / 1e6 },
    ...{ pid: process.pid, host: os.hostname(), clock: hostIdentity },
  });
  const dialing = {
    clock: systemClock,
    parseMessage,
    maxFrameBytes,
    heartbeatMs,
    sharedMemory,
    log,
    ...(token === undefined ? {} : { token }),
  };
  const dialer = createWebSocketDialer(dialing);
  const coordinatorDialer = createWebSocketDialer({ ...dialing, onHeartbeat: (ms) => spans.heard(ms) });
  const server = await createServer({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    token,
    parseMessage,
    maxFrameBytes,
    heartbeatMs,
    sharedMemory,
    clock: systemClock,
    onChannel: (_, channel) => shard.accept(channel),
    log,
  });
  // Its arithmetic is its own, whatever else is of this process.
  options.inProcess?.listen(server.port, (channel) => shard.accept(channel), { apart: true });
  options.onListening(server.port);
  const ending = new AbortController();
  const stopped = AbortSignal.any([signal, ending.signal]);
  /** Where a process is dialled, another one may answer later on: it is dialled again and again. */
  const keep = (
    url: string,
    what: string,
    onChannel: (channel: Channel) => void,
    until: AbortSignal,
    { by = dialer, mayReturn = false }: { by?: typeof dialer; mayReturn?: boolean } = {},
  ): void => {
    keepConnected({
      ...{ dialer: by, clock: systemClock, onChannel, mayReturn, signal: until },
      url: faults?.reroute(url) ?? url,
      // Jitter of reconnections needs no key: it never reaches a weight.
      random: () => Math.random(),
      onWaiting: (reason) => log(`shard ${index} waits for ${what}: ${reason}`),
    }).then(
      (end) => {
        if (end.kind === "fatal") refuse(new Error(`${what} refused this shard: ${end.reason}`));
      },
      (error: unknown) => refuse(error),
    );
  };
  let refuse: (error: unknown) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  refused.catch(() => undefined);
  let vault: FileVault | undefined;
  const coordinatorUrl = new URL("/v1/coordinator", options.coordinator.replace(/^http/, "ws"));
  const shard = createShard({
    runId,
    index,
    shards,
    arithmetic: loadFastArithmetic(
      process.env,
      (reason) => log(`sums and updates in WebAssembly: ${reason}`),
      updateThreads({ shards, cores: os.availableParallelism(), env: process.env }),
    ),
    clock: systemClock,
    keepShard(address, onChannel) {
      const own = new AbortController();
      const url = new URL(address, coordinatorUrl).href;
      keep(url, "another shard", onChannel, AbortSignal.any([stopped, own.signal]), { mayReturn: true });
      return { stop: () => own.abort() };
    },
    identity: { host: os.hostname(), pid: process.pid, software: options.software, port: server.port },
    openVault({ key, spec }) {
      const { runDirectory } = options;
      vault = openShardVault({
        ...{ runId, runKey: key, index, shards, spec, log },
        ...(runDirectory === undefined ? {} : { runDirectory }),
      });
      return vault;
    },
    ...(options.runDirectory !== undefined && { checkpointFiles: openCheckpointFiles(options.runDirectory) }),
    residentBytes: atMostEvery(residentEveryMs, () => systemClock.nowMs(), process.memoryUsage.rss),
    ...(faults && { probe: faults.probe }),
    spans,
    log,
  });
  const aborted = new Promise<string>((resolve) => {
    const stop = (): void => resolve("asked to stop");
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    const join = (channel: Channel): void => {
      spans.connected();
      shard.join(channel);
    };
    keep(coordinatorUrl.href, "the coordinator", join, stopped, { by: coordinatorDialer });
    // Whoever ends otherwise may have a successor.
    const regular = shard.ended.then((reason) => {
      vault?.discard();
      return reason;
    });
    return await Promise.race([regular, refused, aborted]);
  } finally {
    ending.abort();
    await server.close();
  }
}
