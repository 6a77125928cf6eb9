import { describe, expect, it } from "vitest";
import { aliveBytes, beat, deadAfterSilentBeats, type Heard, startHeartbeat } from "./heartbeat.ts";

const heartbeatMs = 1000;

/** Beats on time; returns the kinds of decision for what had arrived at each. */
function decisions(heard: readonly Heard[]): string[] {
  let state = startHeartbeat(0, { bytes: 0, understood: 0 });
  return heard.map((each, i) => {
    const decision = beat((i + 1) * heartbeatMs, each, state, heartbeatMs);
    if (decision.kind === "ping") state = decision.state;
    return decision.kind;
  });
}

const bytes = (...counts: number[]) => counts.map((each) => ({ bytes: each, understood: 0 }));

describe("a heartbeat", () => {
  it("calls a peer dead after a row of silent beats, not before", () => {
    const silent = bytes(...Array.from({ length: deadAfterSilentBeats + 1 }, () => 0));
    expect(decisions(silent)).toEqual([...silent.slice(1).map(() => "ping"), "dead"]);
  });

  it("takes whatever could be read as a sign of life, however short", () => {
    const heard = [0, 0, 1, 1, 1, 2].map((understood) => ({ bytes: understood * 2, understood }));
    expect(decisions(heard)).toEqual(["ping", "ping", "ping", "ping", "ping", "ping"]);
  });

  it("takes bytes in quantity as a sign of life: a large frame is on its way", () => {
    const slow = bytes(...[0, 0, 1, 1, 1, 2].map((count) => count * aliveBytes));
    expect(decisions(slow)).not.toContain("dead");
  });

  it("is not fooled by pings that fill the hole of a frame that lost bytes", () => {
    const pings = bytes(12, 24, 36);
    expect(decisions(pings)).toEqual(["ping", "ping", "dead"]);
  });

  it("does not blame the peer when this process itself stood still", () => {
    const nothing = { bytes: 0, understood: 0 };
    let state = startHeartbeat(0, nothing);
    for (let nowMs = 5000; nowMs <= 50_000; nowMs += 5000) {
      const decision = beat(nowMs, nothing, state, heartbeatMs);
      expect(decision).toMatchObject({ kind: "ping", reason: "this process stood still" });
      if (decision.kind === "ping") state = decision.state;
    }
  });
});
