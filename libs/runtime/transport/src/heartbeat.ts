/** Everything that ever came from the peer, counted. */
export interface Heard {
  /** On the socket. */
  readonly bytes: number;
  /** Messages, pings and pongs: what the bytes turned out to be. */
  readonly understood: number;
}

/** What a heartbeat remembers between two beats. */
export interface HeartbeatState {
  readonly lastBeatMs: number;
  readonly heard: Heard;
  /** Beats in a row between which no sign of life arrived. */
  readonly silentBeats: number;
}

export type HeartbeatDecision =
  | { readonly kind: "ping"; readonly state: HeartbeatState; readonly reason: string }
  | { readonly kind: "dead"; readonly reason: string };

/**
 * As many bytes between two beats are a sign of life by themselves: the peer is in the middle of a large frame, and
 * its pong is queued behind it. Fewer are not. Where bytes were lost on the way, the reader waits for the rest of a
 * frame that was never cut short at the sender, and takes the peer's pings for it, a few bytes at a time; pings and
 * pongs of two beats are at most 524 bytes.
 */
export const aliveBytes = 1024;
/** One ping may be in flight behind a large frame; a second beat without a sign of life is no accident. */
export const deadAfterSilentBeats = 2;
/** A beat that comes this much too late says that this process stood still, and nothing about the peer. */
export const stalledFactor = 1.5;

export function startHeartbeat(nowMs: number, heard: Heard): HeartbeatState {
  return { lastBeatMs: nowMs, heard, silentBeats: 0 };
}

/**
 * Decides at each beat whether the peer still lives: whatever could be read from it says so, and so do bytes in
 * quantity that cannot be read yet.
 */
export function beat(
  nowMs: number,
  heard: Heard,
  state: HeartbeatState,
  heartbeatMs: number,
): HeartbeatDecision {
  const next = { lastBeatMs: nowMs, heard };
  if (heard.understood > state.heard.understood || heard.bytes >= state.heard.bytes + aliveBytes) {
    return { kind: "ping", state: { ...next, silentBeats: 0 }, reason: "the peer was heard" };
  }
  if (nowMs - state.lastBeatMs > stalledFactor * heartbeatMs) {
    return { kind: "ping", state: { ...next, silentBeats: 0 }, reason: "this process stood still" };
  }
  const silentBeats = state.silentBeats + 1;
  if (silentBeats > deadAfterSilentBeats) {
    return { kind: "dead", reason: `nothing heard for ${silentBeats} heartbeats of ${heartbeatMs} ms` };
  }
  return { kind: "ping", state: { ...next, silentBeats }, reason: "silent, asked again" };
}
