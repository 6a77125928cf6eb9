import os from "node:os";
import { type BackendName, canaryDigest, createThreadedCompute } from "@latentweave/compute";
import { readOwnFaults } from "@latentweave/faults";
import type { Compute } from "@latentweave/model";
import { type DeviceId, loadFastArithmetic } from "@latentweave/native";
import { type Channel, parseMessage, systemClock, UserError, type WorkerMoment } from "@latentweave/protocol";
import { atMostEvery, createSpanRecorder } from "@latentweave/telemetry";
import {
  createInProcess,
  createWebSocketDialer,
  hostIdentity,
  type InProcess,
  keepConnected,
} from "@latentweave/transport";
import { openSharedMemory } from "@latentweave/vault";
import { createWorker, type WorkerEnd } from "@latentweave/worker-engine";
import { computeNothing } from "./compute-nothing.ts";
import { fetchJoinFacts, type JoinFacts } from "./join-facts.ts";
import { openPreparedRows } from "./open-prepared-rows.ts";
import { openRelayPort } from "./open-relay-port.ts";

export interface WorkerProcessOptions {
  /** http://host:port of the coordinator. */
  readonly coordinator: string;
  readonly token?: string;
  /** Default: host and process id. The same id after a restart is the same worker. */
  readonly workerId?: string;
  /** Overrides the job's; the canary says whether the bits still agree. */
  readonly backend?: BackendName;
  readonly device?: DeviceId;
  readonly threads?: number;
  /** Waits this long before each micro-batch: to see what a slow machine does to a run. */
  readonly pauseMs?: number;
  /** Gradients are made up at once (compute-nothing.ts): for measuring the exchange alone. */
  readonly withoutComputing?: boolean;
  readonly software: string;
  /** Has the shard that is beside this worker, if one is. */
  readonly inProcess?: InProcess;
  readonly log: (line: string) => void;
}

/** A frame holds at most one tree node's slices for one shard. */
const maxFrameBytes = 2 ** 31 - 1;
const heartbeatMs = 5_000;
/** To ask for it takes longer than to send a message. */
const residentEveryMs = 1_000;
const pauseGrainMs = 2;

/**
 * One worker process: fetches what the run asks of devices, loads the backend, and computes until the run is over or
 * `signal` asks it to leave (it then finishes the micro-batch in hand).
 * @throws UserError when the coordinator cannot be reached or refuses for good, or the backend cannot be had.
 */
export async function runWorkerProcess(asked: WorkerProcessOptions, signal: AbortSignal): Promise<WorkerEnd> {
  const faults = readOwnFaults<WorkerMoment>("worker");
  const options = { ...asked, coordinator: faults?.reroute(asked.coordinator) ?? asked.coordinator };
  const { log, token } = options;
  const facts = await fetchJoinFacts(options.coordinator, token, signal, log);
  const backend = options.backend ?? facts.backend ?? undefined;
  const compute =
    options.withoutComputing === true ? computeNothing() : await openDevice(options, facts, backend);
  const spans = createSpanRecorder({
    ...{ nowMs: () => systemClock.nowMs(), hostNowMs: () => Number(process.hrtime.bigint()) / 1e6 },
    ...{ pid: process.pid, host: os.hostname(), clock: hostIdentity },
  });
  const connecting = {
    ...{ clock: systemClock, parseMessage, maxFrameBytes, heartbeatMs, log },
    sharedMemory: openSharedMemory(log),
  };
  const dialing = { ...connecting, ...(token === undefined ? {} : { token }) };
  const inProcess = options.inProcess ?? createInProcess();
  const dialer = inProcess.dialer(createWebSocketDialer(dialing));
  const relay = await openRelayPort({ ...connecting, token, inProcess });
  const coordinatorDialer = createWebSocketDialer({ ...dialing, onHeartbeat: (ms) => spans.heard(ms) });
  const stopping = new AbortController();
  // Jitter of reconnections needs no key: it never reaches a weight.
  const random = (): number => Math.random();
  const keep = (url: string, onChannel: (channel: Channel) => void, what: string): Promise<unknown> =>
    keepConnected({
      dialer: coordinatorDialer,
      url,
      clock: systemClock,
      random,
      onChannel,
      onWaiting: (reason) => log(`waiting for ${what}: ${reason}`),
      signal: stopping.signal,
    });

  const workerId = options.workerId ?? `${os.hostname()}-${process.pid}`;
  const worker = createWorker({
    runId: facts.runId,
    workerId,
    arithmetic: loadFastArithmetic(),
    clock: systemClock,
    compute: faults?.wrapCompute(compute) ?? compute,
    // What admits a worker is computed on the device itself, whatever a drill does to its work.
    canary: (_, model, samplesOf) => canaryDigest(compute, model, samplesOf),
    ...(faults && { probe: faults.probe }),
    spans,
    openRows: (task, location) => openPreparedRows(task, location, options.coordinator, token),
    keepShard(address, onChannel) {
      const shard = new AbortController();
      stopping.signal.addEventListener("abort", () => shard.abort(), { once: true });
      const url = new URL(address, webSocketUrl(options.coordinator)).href;
      keepConnected({
        dialer,
        url: faults?.reroute(url) ?? url,
        clock: systemClock,
        random,
        onChannel,
        onWaiting: (reason) => log(`waiting for the parameter server: ${reason}`),
        mayReturn: true,
        signal: shard.signal,
      }).catch((error: unknown) => log(`parameter server ${address}: ${String(error)}`));
      return { stop: () => shard.abort() };
    },
    ...(relay && { relay }),
    identity: { host: os.hostname(), pid: process.pid, software: options.software },
    residentBytes: atMostEvery(residentEveryMs, () => systemClock.nowMs(), process.memoryUsage.rss),
    ...(options.pauseMs === undefined ? {} : { beforeMicroBatch: () => pause(options.pauseMs ?? 0) }),
    log,
  });
  const leave = (): void => worker.leave("asked to leave");
  // Loading the backend took its time.
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });

  const connection = keep(
    new URL("/v1/coordinator", webSocketUrl(options.coordinator)).href,
    (channel) => {
      spans.connected();
      worker.join(channel);
    },
    "the coordinator",
  );
  const end = await Promise.race([worker.ended, connection.then((result) => refusal(result, worker.ended))]);
  stopping.abort();
  await relay?.close();
  await compute.close();
  return end;
}

async function openDevice(
  options: WorkerProcessOptions,
  facts: JoinFacts,
  backend: BackendName | undefined,
): Promise<Compute> {
  const { log } = options;
  const compute = await createThreadedCompute({
    backend: {
      threads: options.threads ?? facts.threads,
      ...(backend === undefined ? {} : { name: backend }),
      ...(options.device === undefined ? {} : { deviceId: options.device }),
    },
    onFailure: (error) => log(`the compute thread failed: ${error.message}`),
  });
  const { device, gpu } = compute.determinismClass;
  log(`backend ${compute.backend}${device === undefined ? "" : ` on the ${gpu ?? device}`}`);
  for (const note of compute.notes) log(note);
  return compute;
}

/** The connection ended for good: either the run is over, or the coordinator will not have this worker. */
async function refusal(result: unknown, ended: Promise<WorkerEnd>): Promise<WorkerEnd> {
  const end = result as { kind: string; code?: number; reason?: string };
  if (end.kind !== "fatal") return ended;
  return {
    kind: "failed",
    error: new UserError({
      what: `the coordinator refused this worker: ${end.reason ?? "no reason given"}`,
      mend: "run `latentweave doctor` here, and use the version, token and settings that the run uses",
    }),
  };
}

function webSocketUrl(coordinator: string): URL {
  const url = new URL(coordinator);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  return url;
}

/** In short waits, so that it passes only while this process runs: one that is stopped now and then is slower by as much. */
async function pause(ms: number): Promise<void> {
  let leftMs = ms;
  while (leftMs > 0) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, pauseGrainMs)));
    leftMs -= pauseGrainMs;
  }
}
