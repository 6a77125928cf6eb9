import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {
  createDiskPatience,
  createPatientDisk,
  createRunStore,
  requireInitialWeights,
  writeTextAtomically,
} from "@latentweave/checkpoint";
import {
  type Coordinator,
  createCoordinator,
  type Outcome,
  type RunClass,
} from "@latentweave/coordinator-engine";
import { readOwnFaults } from "@latentweave/faults";
import { createLayout } from "@latentweave/parameters";
import { type RunSpec, stateSections } from "@latentweave/plan";
import { type CoordinatorMoment, parseMessage, systemClock, UserError } from "@latentweave/protocol";
import { createServer } from "@latentweave/transport";
import { openSharedMemory } from "@latentweave/vault";
import { createHttpApi } from "./http-api.ts";
import { readPastPoints } from "./past-points.ts";
import { createProfileFile } from "./profile-file.ts";

export interface CoordinatorProcessOptions {
  /** runs/RUN, with spec.json in it. */
  readonly directory: string;
  readonly runId: string;
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly shards: number;
  readonly expectedWorkers: number;
  /** False: to measure what moving slots away from slow workers gains. */
  readonly balance: boolean;
  /** One worker of a host speaks for all of them to a parameter server on another one. */
  readonly hostAggregation: boolean;
  readonly resume: boolean;
  /** In place of a coordinator that ended in the middle of the run: what it was asked is done. */
  readonly successor: boolean;
  /** The run was asked to stop, for this reason, while it had no coordinator. */
  readonly stopping?: string;
  readonly keepCheckpoints: number;
  /** Keep a profile of at least so many of the newest steps. */
  readonly profileSteps?: number;
  readonly preparedRoot: string;
  readonly dashboardFile: string | undefined;
  /** Process that starts another coordinator when this one ends in the middle of the run. */
  readonly launcher: number | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Called once the port is open. */
  readonly onListening: (url: string) => void;
  readonly log: (line: string) => void;
}

/** Control messages are small; a checkpoint slice is 4 MiB, the spec of a large model a few. */
const maxFrameBytes = 64 * 2 ** 20;
const heartbeatMs = 5_000;
/** For pages and terminals to take the end of the story before the port closes. */
const lingerMs = 300;

/** Where others find a running coordinator: pid, address and token, readable by the owner alone. */
export const coordinatorFile = "coordinator.json";

/** One coordinator as a process. @throws UserError when the port cannot be had or the run's folder is not usable. */
export async function runCoordinatorProcess(
  options: CoordinatorProcessOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { directory, runId, token, log } = options;
  const faults = readOwnFaults<CoordinatorMoment>("coordinator");
  const specText = await readFile(path.join(directory, "spec.json"), "utf8");
  const spec = JSON.parse(specText) as RunSpec;
  const layout = createLayout(spec.groups);
  if (spec.initial) await requireInitialWeights(directory, layout, spec.initial.hash);
  // The run's state is written before there is a coordinator to say anything.
  let say: Coordinator["event"] = (_, text) => log(text);
  const disk = createPatientDisk();
  const store = createRunStore({
    ...{ directory, runId, layout, keep: options.keepCheckpoints, log },
    disk: faults?.wrapDisk(disk) ?? disk,
    patience: createDiskPatience({
      clock: systemClock,
      onRefused: (text) => say("warning", text),
      onTaken: (text) => say("info", text),
    }),
  });
  const before = await readState(directory);
  const resume = options.resume ? await store.latestCheckpoint() : undefined;

  const profile =
    options.profileSteps === undefined
      ? undefined
      : createProfileFile({
          ...{ directory, keepSteps: options.profileSteps, log },
          nowMs: () => systemClock.nowMs(),
        });
  const ports = new Map<number, number>();
  const coordinator = createCoordinator({
    runId,
    runKey: before?.runKey ?? randomUUID(),
    spec,
    specText,
    shards: options.shards,
    expectedWorkers: options.expectedWorkers,
    balance: options.balance,
    hostAggregation: options.hostAggregation,
    generation: (before?.generation ?? 0) + 1,
    resume,
    runClass: options.resume ? before?.runClass : undefined,
    past: options.resume ? await readPastPoints(directory, store.ledgerEnd.nextStep) : [],
    succeeds: options.successor
      ? { startedAtMs: before?.startedAtMs, stopping: before?.stopping ?? options.stopping }
      : undefined,
    quarantined: options.resume ? (before?.quarantined ?? []) : [],
    optimiserSections: stateSections(spec),
    store,
    clock: systemClock,
    wallMs: () => Date.now(),
    shardAddress(index, port, local) {
      ports.set(index, port);
      return local ? `ws://127.0.0.1:${port}/v1/shard` : `/v1/shards/${index}`;
    },
    dataLocation: (local) =>
      local ? { kind: "directory", at: options.preparedRoot } : { kind: "url", at: "/data" },
    facts: options.facts,
    ...(profile && { profile }),
    ...(faults && { probe: faults.probe }),
    log,
  });
  say = coordinator.event;
  await coordinator.save();
  const server = await createServer({
    host: options.host,
    port: options.port,
    token,
    parseMessage,
    maxFrameBytes,
    heartbeatMs,
    sharedMemory: openSharedMemory(log),
    clock: systemClock,
    onChannel: (_, channel) => coordinator.accept(channel),
    http: createHttpApi({
      coordinator,
      joinFacts: { runId, backend: spec.compute.backend, threads: spec.compute.threads },
      preparedRoot: options.preparedRoot,
      dataHashes: new Set(spec.tasks.map((task) => task.dataHash)),
      dashboardFile: options.dashboardFile,
    }),
    tunnel(requested) {
      const index = /^\/v1\/shards\/(\d+)$/.exec(requested)?.[1];
      const port = index === undefined ? undefined : ports.get(Number(index));
      return port === undefined ? undefined : { port };
    },
    log,
  }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const file = path.join(directory, coordinatorFile);
  let outcome: Outcome | undefined;
  const tidy = async (): Promise<void> => {
    await profile?.close();
    await store.close();
    if (existsSync(file)) await rm(file);
  };
  try {
    const facts = {
      ...{ pid: process.pid, url: server.url, port: server.port, token: token ?? null },
      // Whoever waits for the next coordinator looks here: while that one takes the lock, there may be none for a moment.
      ...{ launcher: options.launcher ?? null, host: os.hostname() },
    };
    await writeTextAtomically(file, `${JSON.stringify(facts, undefined, 2)}\n`, 0o600);
    options.onListening(server.url);
    const stop = (): void => coordinator.stop("asked to stop");
    // Others know this process since it has locked the run.
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    outcome = await coordinator.ended;
    await new Promise((resolve) => setTimeout(resolve, lingerMs));
    return outcome;
  } finally {
    await server.close();
    await tidy().catch((error: unknown) => {
      // The disk that a run failed over refuses this as well; whoever started it is to hear how it ended.
      if (outcome?.state !== "failed") throw error;
      log(error instanceof Error ? error.message : String(error));
    });
  }
}

async function readState(directory: string): Promise<
  | {
      readonly generation: number;
      readonly runKey: string | undefined;
      readonly runClass: RunClass | undefined;
      readonly stopping: string | undefined;
      readonly startedAtMs: number | undefined;
      readonly quarantined: readonly string[];
    }
  | undefined
> {
  const file = path.join(directory, "run.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const state = JSON.parse(text) as {
      generation?: number;
      runKey?: string;
      state?: string;
      quarantined?: string[];
      reason?: string | null;
      startedAtMs?: number;
      canary?: string | null;
      determinismClass?: Record<string, string> | null;
    };
    const runClass =
      typeof state.canary === "string" && state.determinismClass
        ? { digest: state.canary, determinismClass: state.determinismClass }
        : undefined;
    const stopping = state.state === "stopping" ? (state.reason ?? "asked to stop") : undefined;
    const { generation = 0, runKey, startedAtMs, quarantined = [] } = state;
    return { generation, runKey, runClass, stopping, startedAtMs, quarantined };
  } catch (error) {
    throw new UserError({
      what: "the run's state cannot be read",
      where: file,
      expected: "JSON as the coordinator writes it",
      mend: "delete the file: the checkpoints beside it hold all that training needs",
      cause: error,
    });
  }
}
