/** What a heartbeat remembers between two beats. */
export interface HeartbeatState {
  readonly lastBeatMs: number;
  readonly receivedBytes: number;
  /** Beats in a row between which nothing arrived. */
  readonly silentBeats: number;
}

export type HeartbeatDecision =
  | { readonly kind: "ping"; readonly state: HeartbeatState; readonly reason: string }
  | { readonly kind: "dead"; readonly reason: string };

/** One ping may be in flight behind a large frame; a second beat without a single byte is no accident. */
export const deadAfterSilentBeats = 2;
/** A beat that comes this much too late says that this process stood still, and nothing about the peer. */
export const stalledFactor = 1.5;

export function startHeartbeat(nowMs: number, receivedBytes: number): HeartbeatState {
  return { lastBeatMs: nowMs, receivedBytes, silentBeats: 0 };
}

/**
 * Decides at each beat whether the peer still lives. Any byte counts, not only pongs: a peer in the middle of a large
 * frame is alive although its pong is queued behind it.
 *
 * @param receivedBytes bytes ever received on the socket.
 */
export function beat(
  nowMs: number,
  receivedBytes: number,
  state: HeartbeatState,
  heartbeatMs: number,
): HeartbeatDecision {
  const next = { lastBeatMs: nowMs, receivedBytes };
  if (receivedBytes > state.receivedBytes) {
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
