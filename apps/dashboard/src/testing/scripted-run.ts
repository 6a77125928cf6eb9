import type {
  CommitPoint,
  RunEvent,
  RunSnapshot,
  TaskSnapshot,
  WorkerSnapshot,
} from "@latentweave/telemetry";

/** What a coordinator would say at each step of a run in which a worker is killed and comes back; made up, repeatable. */
export const totalSteps = 400;
export const killedAt = 150;
export const backAt = 235;

const startedAtMs = Date.UTC(2025, 0, 6, 14, 3, 0);
const stepMs = 120;

export function scriptedPoint(step: number): CommitPoint {
  const workers = step >= killedAt && step < backAt ? 1 : 2;
  const speed = (workers === 2 ? 8200 : 4300) * (1 + 0.05 * noise(step, 3));
  return {
    step,
    atMs: startedAtMs + step * stepMs,
    stepMs,
    samplesPerSecond: step === 0 ? 0 : speed,
    workers,
    loss: { digits: lossAt(step, 0), fashion: lossAt(step, 1) },
    evaluation:
      step > 0 && step % 50 === 0 ? { digits: termsAt(step, 0, 0.99), fashion: termsAt(step, 1, 0.99) } : {},
  };
}

export function scriptedPoints(steps: number): readonly CommitPoint[] {
  return Array.from({ length: steps }, (_, step) => scriptedPoint(step));
}

export function scriptedSnapshot(step: number, state: RunSnapshot["state"] = "running"): RunSnapshot {
  const alone = step >= killedAt && step < backAt;
  return {
    apiVersion: 1,
    runId: "digits-and-fashion-20250106-1403",
    name: "digits-and-fashion",
    state,
    phase: "main",
    step,
    totalSteps,
    startedAtMs,
    elapsedMs: step * stepMs + 9000,
    etaMs: state === "running" ? (totalSteps - step) * stepMs : null,
    samplesPerSecond: alone ? 4312 : 8240,
    stepMs,
    quorumId: alone ? 2 : 1,
    shards: 1,
    parameters: 837_424,
    learningRate: 0.001,
    tasks: [taskAt("digits", step, 0), taskAt("fashion", step, 1)],
    workers: workersAt(step, alone),
    events: scriptedEvents(step),
    hash: state === "finished" ? "5f1d8a0c3b7e49d2a6c4f0e8b9173d52c6e8a4f107b35d9e2c81f6a04b7d93e1" : null,
    reason: null,
  };
}

export function workerCalled(id: string, overrides: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
  return {
    workerId: id,
    host: "workbench",
    pid: 41_733,
    backend: "native",
    state: "active",
    rank: 0,
    leases: [],
    samplesPerSecond: 4200,
    computeMs: 58.4,
    fetchedBytes: 31_000_000,
    residentBytes: 412_000_000,
    ...overrides,
  };
}

function workersAt(step: number, alone: boolean): readonly WorkerSnapshot[] {
  const share = (start: number, end: number): WorkerSnapshot["leases"] => [
    { task: "digits", start, end },
    { task: "fashion", start, end },
  ];
  const first = workerCalled("worker-1", { leases: alone ? share(0, 8) : share(0, 4) });
  const second = workerCalled("worker-2", {
    pid: 41_735,
    rank: 1,
    leases: share(4, 8),
    samplesPerSecond: 4040,
  });
  if (step < killedAt) return [first, second];
  const lost = { ...second, state: "lost", rank: null, leases: [], samplesPerSecond: 0 } as const;
  return alone ? [first, lost] : [first, lost, { ...second, workerId: "worker-3", pid: 42_018 }];
}

function scriptedEvents(step: number): readonly RunEvent[] {
  const all: readonly (readonly [number, RunEvent["level"], string])[] = [
    [0, "info", "parameter server ready: 1 shard"],
    [0, "info", "quorum 1: 2 workers (first step)"],
    [100, "info", "checkpoint of step 100 written, hash 8e41c07ab2d95f63"],
    [killedAt, "warning", "worker worker-2 was lost: connection closed; its slots go to worker-1"],
    [killedAt, "info", "quorum 2: 1 worker (worker-2 was lost)"],
    [backAt, "info", "quorum 3: 2 workers (worker-3 joined)"],
  ];
  return all
    .filter(([at]) => at <= step)
    .map(([at, level, text]) => ({ atMs: startedAtMs + at * stepMs, level, text }));
}

function taskAt(task: string, step: number, index: number): TaskSnapshot {
  const evaluated = Math.floor(step / 50) * 50;
  return {
    task,
    samplesSeen: step * 512,
    training: termsAt(step, index, 1),
    evaluation: evaluated > 0 ? { step: evaluated, values: termsAt(evaluated, index, 0.99) } : null,
  };
}

function termsAt(step: number, index: number, factor: number): Record<string, number> {
  const loss = lossAt(step, index) * factor;
  return {
    loss,
    reconstruction: loss * 0.82,
    "label.accuracy": Math.min(0.97, 0.2 + 0.77 * (1 - 1 / (1 + step / 30))),
  };
}

function lossAt(step: number, index: number): number {
  const [floor, height, pace] = index === 0 ? [0.12, 0.6, 38] : [0.29, 0.46, 55];
  return floor + height / (1 + step / pace) + 0.02 * noise(step, index);
}

/** Repeatable, between −1 and 1, without a pattern that the eye would find (the finaliser of MurmurHash3). */
function noise(step: number, index: number): number {
  let mixed = Math.imul(step + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * 2 - 1;
}
