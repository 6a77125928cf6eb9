import { keepsBits, lastStep, planStep, totalSteps } from "@latentweave/plan";
import type { RunEvent, RunSnapshot } from "@latentweave/telemetry";
import type { RunClass } from "./admission.ts";
import type { CoordinatorOptions } from "./coordinator-options.ts";
import type { Life } from "./life.ts";
import { type Member, memberSnapshot } from "./member.ts";
import type { Progress } from "./progress.ts";

/** The newest version that is on disk, and the hash of its parameters. */
export interface Durable {
  readonly version: number;
  readonly hash: string | null;
}

/** What is known of a run at one moment. */
export interface RunFacts {
  readonly options: CoordinatorOptions;
  readonly life: Life;
  readonly startedAtMs: number;
  readonly progress: Progress;
  readonly durable: Durable | undefined;
}

export function reasonOf(life: Life): string | null {
  return "reason" in life ? life.reason : null;
}

/** run.json: enough for `status` without a coordinator, and for a resumed run. */
export function stateRecord(
  { options, life, startedAtMs, progress, durable }: RunFacts,
  runClass: RunClass | undefined,
  quarantined: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    ...options.facts,
    runId: options.runId,
    runKey: options.runKey,
    name: options.spec.name,
    state: life.state,
    reason: reasonOf(life),
    version: progress.version,
    totalSteps: totalSteps(options.spec),
    seed: options.spec.seed,
    shards: options.shards,
    startedAtMs,
    generation: options.generation,
    hash: durable?.hash ?? null,
    hashVersion: durable?.version ?? -1,
    quarantined,
    canary: runClass?.digest ?? null,
    determinismClass: runClass?.determinismClass ?? null,
    sameBits: keepsBits(options.spec),
  };
}

/** What the page and `status` show. */
export function runSnapshot(
  { options, life, startedAtMs, progress, durable }: RunFacts,
  now: {
    readonly quorumId: number;
    readonly parameters: number;
    readonly members: Iterable<Member>;
    readonly events: readonly RunEvent[];
  },
): RunSnapshot {
  const { spec } = options;
  const total = totalSteps(spec);
  return {
    apiVersion: 1,
    runId: options.runId,
    name: spec.name,
    state: life.state,
    phase: spec.phases[planStep(spec, Math.min(progress.version, lastStep(spec))).phase]?.name ?? "",
    step: progress.version,
    totalSteps: total,
    startedAtMs,
    elapsedMs: options.wallMs() - startedAtMs,
    etaMs: life.state === "running" ? progress.etaMs(total) : null,
    samplesPerSecond: progress.samplesPerSecond,
    stepMs: progress.stepMs,
    quorumId: now.quorumId,
    shards: options.shards,
    ...(!keepsBits(spec) && { sameBits: false }),
    parameters: now.parameters,
    learningRate: progress.learningRate,
    tasks: progress.tasks(),
    ...(progress.staleness && { staleness: progress.staleness }),
    workers: [...now.members].map(memberSnapshot),
    events: [...now.events],
    hash: durable?.version === progress.version ? durable.hash : null,
    reason: reasonOf(life),
  };
}
