import type { Profiled, ProfilePhase, SpanRecorder } from "@latentweave/protocol";
import { clockZeroMs } from "./clock-zero.ts";
import { numbersOfSpan, profilePhases } from "./wire-span.ts";

/** Between two reports lies a step: room for one of a shard with a thousand workers, and then some. */
const mostSpans = 8_192;

export interface OwnRecorder extends SpanRecorder {
  /** What the clock of the host showed when that of the process was at zero. */
  readonly zeroMs: number;
  /** A heartbeat of the coordinator has come, with what its clock showed when it was sent. */
  heard(coordinatorMs: number): void;
  /** To a coordinator, perhaps another one: what its clock shows means nothing before its welcome. */
  connected(): void;
}

const codes = new Map<ProfilePhase, number>(profilePhases.map((phase, code) => [phase, code]));

/**
 * Numbers in one array, handed over and begun again with each report. Until the coordinator asks for it, `add` returns
 * at once and `take` gives nothing.
 */
export function createSpanRecorder(options: {
  readonly nowMs: () => number;
  readonly pid: number;
  readonly host: string;
  /** Names the clock that `hostNowMs` reads: all processes of a host have one. */
  readonly clock: string;
  readonly hostNowMs: () => number;
}): OwnRecorder {
  const { nowMs, pid, host, clock } = options;
  const zeroMs = clockZeroMs(options.hostNowMs, nowMs);
  let heard: [coordinatorMs: number, ownMs: number] | undefined;
  let coordinatorZeroMs: number | undefined;
  let spans: number[] = [];
  const places = new Map<string, number>();
  let lost = 0;
  const nameOf = (peer: string | undefined): number => {
    if (peer === undefined) return 0;
    const place = places.get(peer) ?? places.size + 1;
    places.set(peer, place);
    return place;
  };
  return {
    nowMs,
    zeroMs,
    welcomed(profile) {
      coordinatorZeroMs = profile?.zeroMs;
      heard = profile && [profile.nowMs + profile.zeroMs, nowMs()];
    },
    heard(coordinatorMs) {
      if (heard && coordinatorZeroMs !== undefined) heard = [coordinatorMs + coordinatorZeroMs, nowMs()];
    },
    connected() {
      coordinatorZeroMs = undefined;
    },
    add(phase, timeline, step, startMs, endMs, peer) {
      if (!heard) return;
      if (spans.length >= mostSpans * numbersOfSpan) {
        lost += 1;
        return;
      }
      const startUs = Math.round(startMs * 1000);
      const lengthUs = Math.round(endMs * 1000) - startUs;
      spans.push(codes.get(phase) ?? 0, nameOf(peer), timeline, step, startUs, lengthUs);
    },
    take() {
      if (!heard) return undefined;
      const names = [...places.keys()];
      const taken: Profiled = { pid, host, clock, zeroMs, sentMs: nowMs(), heard, names, spans, lost };
      spans = [];
      places.clear();
      lost = 0;
      return taken;
    },
  };
}
