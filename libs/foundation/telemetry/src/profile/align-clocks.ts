import { type ProfileLine, type Span, spansOf } from "./profile-line.ts";

/** One process from its start to its end: who is started again under the same name is another one. */
export interface ProfiledProcess {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  /** In order of their starts, by the clock of the coordinator's host. */
  readonly spans: readonly Span[];
  /** By how much its moments may be wrong beside those of the coordinator's host. */
  readonly clockErrorMs: number;
  readonly lost: number;
}

/** Clocks of two hosts may drift apart by so much: NTP's own figure (RFC 5905, PHI), in milliseconds per millisecond. */
const drift = 15e-6;
/** Bounds are worked out anew as often: drift adds less than a tenth of a microsecond within it. */
const grainMs = 5_000;
/** A clock that is said to be shared but is off by more than this is not: processes in time namespaces. */
const sharedWithinMs = 1;

interface Bounds {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Brings the spans of all processes to one clock: that of the coordinator's host. Its own processes share it. Of others
 * each word bounds the difference: what the coordinator's clock showed when a heartbeat left is not above what it shows
 * when the heartbeat comes, and a report does not come before it was sent. The middle is taken.
 */
export function alignClocks(lines: readonly ProfileLine[]): ProfiledProcess[] {
  const reference = lines.findLast(({ process }) => process === "coordinator")?.clock;
  const byProcess = new Map<string, ProfileLine[]>();
  for (const line of lines) {
    const key = `${line.process} ${line.host} ${line.pid} ${line.zeroMs}`;
    const own = byProcess.get(key);
    if (own) own.push(line);
    else byProcess.set(key, [line]);
  }
  return [...byProcess.values()].map((own) => alignOne(own, reference));
}

function alignOne(lines: readonly ProfileLine[], reference: string | undefined): ProfiledProcess {
  const [{ process, pid, host, zeroMs, clock }] = lines as [ProfileLine];
  const all = boundsAt(lines, undefined);
  const isShared =
    clock === reference && all.lowest - sharedWithinMs <= zeroMs && zeroMs <= all.highest + sharedWithinMs;
  const known = new Map<number, Bounds>();
  const boundsFor = ({ sentMs }: ProfileLine): Bounds => {
    if (isShared) return { lowest: zeroMs, highest: zeroMs };
    const grain = Math.floor(sentMs / grainMs);
    const bounds = known.get(grain) ?? boundsAt(lines, (grain + 0.5) * grainMs);
    known.set(grain, bounds);
    return bounds;
  };
  let clockErrorMs = 0;
  const spans = lines.flatMap((line) => {
    const { lowest, highest } = boundsFor(line);
    const offsetMs = (lowest + highest) / 2;
    clockErrorMs = Math.max(clockErrorMs, Math.abs(highest - lowest) / 2);
    return spansOf(line).map((span): Span => ({
      ...span,
      startMs: span.startMs + offsetMs,
      endMs: span.endMs + offsetMs,
    }));
  });
  const lost = lines.reduce((sum, line) => sum + line.lost, 0);
  return {
    ...{ name: process, pid, host, clockErrorMs, lost },
    spans: spans.sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs),
  };
}

/** Of what is to be added to the process's clock, around a moment of it or (with no drift) over all of them. */
function boundsAt(lines: readonly ProfileLine[], aroundMs: number | undefined): Bounds {
  const age = (ownMs: number): number => (aroundMs === undefined ? 0 : Math.abs(ownMs - aroundMs));
  let lowest = Number.NEGATIVE_INFINITY;
  let highest = Number.POSITIVE_INFINITY;
  for (const { heard, sentMs, atMs } of lines) {
    const [toldMs, heardMs] = heard;
    lowest = Math.max(lowest, toldMs - heardMs - drift * age(heardMs));
    highest = Math.min(highest, atMs - sentMs + drift * age(sentMs));
  }
  return { lowest, highest };
}
