import type { Profiled, ProfilePhase } from "@latentweave/protocol";
import { numbersOfSpan, profilePhases } from "./wire-span.ts";

/** Where a run's folder has its profile: lines of JSON, those of the newest steps and of as many before them. */
export const profileFiles = {
  folder: "profile",
  newest: "spans.jsonl",
  before: "spans.before.jsonl",
  trace: "trace.json",
} as const;

/** One report, as the coordinator keeps it. */
export interface ProfileLine extends Profiled {
  /** `worker-1`, `shard-0`, `coordinator`. */
  readonly process: string;
  /** When it came, by the clock of the coordinator's host. */
  readonly atMs: number;
}

/** What a process spent some time on, by its own clock or, once that is aligned, by the coordinator's. */
export interface Span {
  readonly phase: ProfilePhase;
  readonly peer: string | undefined;
  readonly timeline: number;
  readonly step: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Lines that a kill cut short, and any others that are none, are left out. */
export function parseProfileLines(text: string): ProfileLine[] {
  return text.split("\n").flatMap((line) => {
    if (line === "") return [];
    try {
      const value: unknown = JSON.parse(line);
      return isProfileLine(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

function isProfileLine(value: unknown): value is ProfileLine {
  if (typeof value !== "object" || value === null) return false;
  const line = value as Partial<Record<keyof ProfileLine, unknown>>;
  return (
    typeof line.process === "string" &&
    typeof line.clock === "string" &&
    [line.atMs, line.sentMs, line.zeroMs, line.pid].every(Number.isFinite) &&
    Array.isArray(line.heard) &&
    Array.isArray(line.names) &&
    Array.isArray(line.spans)
  );
}

/** A phase that this version does not know is left out. */
export function spansOf({ spans, names }: Pick<Profiled, "spans" | "names">): Span[] {
  const found: Span[] = [];
  for (let at = 0; at + numbersOfSpan <= spans.length; at += numbersOfSpan) {
    const [code, peer, timeline, step, startUs, lengthUs] = spans.slice(at, at + numbersOfSpan) as [
      ...[number, number, number, number, number, number],
    ];
    const phase = profilePhases[code];
    if (!phase) continue;
    const [startMs, endMs] = [startUs / 1000, (startUs + lengthUs) / 1000];
    found.push({ phase, peer: names[peer - 1], timeline, step, startMs, endMs });
  }
  return found;
}
