import type { Channel, Lease, MessageOf } from "@latentweave/protocol";
import type { WorkerSnapshot, WorkerState } from "@latentweave/telemetry";

/** What the coordinator knows of one worker. The identity outlives its connections. */
export interface Member {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly determinismClass: Readonly<Record<string, string>>;
  channel: Channel | undefined;
  state: WorkerState;
  /** Late with a step: it gets no leases until it reports. */
  suspended: boolean;
  rank: number | null;
  leases: readonly Lease[];
  /** Samples per second of compute, averaged over reports; undefined until the first. */
  samplesPerSecond: number | undefined;
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
    channel,
    state: "joining",
    suspended: false,
    rank: null,
    leases: [],
    samplesPerSecond: undefined,
    reports: 0,
    computeMs: 0,
    fetchedBytes: 0,
    residentBytes: 0,
  };
}

// A new report counts for a fifth: a handful of steps to follow a change, without following every hiccup.
const newestShare = 0.2;

export function takeReport(member: Member, report: MessageOf<"worker-report">): void {
  const computeMs = report.timings.compute ?? 0;
  member.computeMs = computeMs;
  member.fetchedBytes = report.fetchedBytes;
  member.residentBytes = report.residentBytes;
  member.reports += 1;
  // The first step warms caches and kernels up: it says nothing of the speed to come.
  if (member.reports === 1 || computeMs <= 0 || report.samples === 0) return;
  const rate = (report.samples * 1000) / computeMs;
  member.samplesPerSecond =
    // What was measured before it fell behind says nothing of it now.
    member.samplesPerSecond === undefined || member.suspended
      ? rate
      : member.samplesPerSecond + newestShare * (rate - member.samplesPerSecond);
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
