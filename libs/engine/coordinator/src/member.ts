import type { Channel, Lease, MessageOf } from "@latentweave/protocol";
import type { WorkerSnapshot, WorkerState } from "@latentweave/telemetry";

/** What the coordinator knows of one worker. The identity outlives its connections. */
export interface Member {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly determinismClass: Readonly<Record<string, string>>;
  /** Where it could relay for others of its host, which the parameter server is not on. */
  readonly relay: MessageOf<"hello">["relay"];
  channel: Channel | undefined;
  state: WorkerState;
  /** Late with a step: it gets no leases until it answers. */
  suspended: boolean;
  rank: number | null;
  leases: readonly Lease[];
  /** Samples per second of compute: the median of the newest steps; undefined until the first. */
  samplesPerSecond: number | undefined;
  /** What the median is taken of, oldest first. */
  rates: readonly number[];
  /** Steps reported since it connected. */
  reports: number;
  computeMs: number;
  fetchedBytes: number;
  residentBytes: number;
}

export function createMember(hello: MessageOf<"hello">, channel: Channel): Member {
  return {
    workerId: hello.id,
    host: hello.host,
    pid: hello.pid,
    determinismClass: hello.determinismClass ?? {},
    relay: hello.relay,
    channel,
    state: "joining",
    suspended: false,
    rank: null,
    leases: [],
    samplesPerSecond: undefined,
    rates: [],
    reports: 0,
    computeMs: 0,
    fetchedBytes: 0,
    residentBytes: 0,
  };
}

/** A machine that has become slow shows in three of them; a hiccup or two does not. */
const keptRates = 5;

export function takeReport(member: Member, report: MessageOf<"worker-report">): void {
  member.fetchedBytes = report.fetchedBytes;
  member.residentBytes = report.residentBytes;
  const rates = [...member.rates];
  for (const { timings, samples } of report.steps) {
    const computeMs = timings.compute ?? 0;
    member.computeMs = computeMs;
    member.reports += 1;
    // The first step warms caches and kernels up: it says nothing of the speed to come.
    if (member.reports > 1 && computeMs > 0 && samples > 0) rates.push((samples * 1000) / computeMs);
  }
  if (rates.length === 0) return;
  member.rates = rates.slice(-keptRates);
  member.samplesPerSecond = medianOf(member.rates);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export function memberSnapshot(member: Member): WorkerSnapshot {
  return {
    workerId: member.workerId,
    host: member.host,
    pid: member.pid,
    backend: member.determinismClass.backend ?? "?",
    state: member.state,
    rank: member.rank,
    leases: member.leases,
    samplesPerSecond: member.samplesPerSecond ?? 0,
    computeMs: member.computeMs,
    fetchedBytes: member.fetchedBytes,
    residentBytes: member.residentBytes,
  };
}
