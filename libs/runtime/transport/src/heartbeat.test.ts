import { describe, expect, it } from "vitest";
import { beat, deadAfterSilentBeats, startHeartbeat } from "./heartbeat.ts";

const heartbeatMs = 1000;

/** Beats on time; returns the kinds of decision for the bytes that had arrived at each. */
function decisions(receivedBytes: readonly number[]): string[] {
  let state = startHeartbeat(0, 0);
  return receivedBytes.map((bytes, i) => {
    const decision = beat((i + 1) * heartbeatMs, bytes, state, heartbeatMs);
    if (decision.kind === "ping") state = decision.state;
    return decision.kind;
  });
}

describe("a heartbeat", () => {
  it("calls a peer dead after a row of silent beats, not before", () => {
    const silent = Array.from({ length: deadAfterSilentBeats + 1 }, () => 0);
    expect(decisions(silent)).toEqual([...silent.slice(1).map(() => "ping"), "dead"]);
  });

  it("takes any byte as a sign of life", () => {
    expect(decisions([0, 0, 1, 1, 1, 2])).toEqual(["ping", "ping", "ping", "ping", "ping", "ping"]);
  });

  it("does not blame the peer when this process itself stood still", () => {
    let state = startHeartbeat(0, 0);
    for (let nowMs = 5000; nowMs <= 50_000; nowMs += 5000) {
      const decision = beat(nowMs, 0, state, heartbeatMs);
      expect(decision).toMatchObject({ kind: "ping", reason: "this process stood still" });
      if (decision.kind === "ping") state = decision.state;
    }
  });
});
