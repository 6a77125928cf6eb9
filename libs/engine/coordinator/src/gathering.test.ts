import { describe, expect, it } from "vitest";
import type { Clock } from "@latentweave/protocol";
import { createGathering } from "./gathering.ts";

/** Time that moves when it is told to. */
function handClock() {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const clock: Clock = {
    nowMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs)) {
      timers.delete(timer);
      timer.run();
    }
  };
  return { clock, pass, timers };
}

function scene(restMs: number) {
  const { clock, pass, timers } = handClock();
  const acts: string[] = [];
  const gathering = createGathering(
    clock,
    () => restMs,
    (why) => acts.push(why),
  );
  return { gathering, acts, pass, timers };
}

describe("changes that are gathered", () => {
  it("are acted upon at once when it was quiet, and together when it was not", () => {
    const { gathering, acts, pass } = scene(100);
    gathering.changed("a");
    expect(acts).toEqual(["a"]);
    for (const why of ["b", "c", "d"]) gathering.changed(why);
    expect(acts).toEqual(["a"]);
    pass(100);
    expect(acts).toEqual(["a", "b, and 2 more changes"]);
    gathering.changed("e");
    pass(100);
    expect(acts.at(-1)).toBe("e");
    pass(100);
    gathering.changed("f");
    expect(acts).toEqual(["a", "b, and 2 more changes", "e", "f"]);
  });

  it("are each acted upon where there is no rest between", () => {
    const { gathering, acts, timers } = scene(0);
    for (const why of ["a", "b", "c"]) gathering.changed(why);
    expect(acts).toEqual(["a", "b", "c"]);
    expect(timers.size).toBe(0);
  });

  it("come to nothing after the end", () => {
    const { gathering, acts, pass, timers } = scene(100);
    gathering.changed("a");
    gathering.changed("b");
    gathering.close();
    expect(timers.size).toBe(0);
    pass(1000);
    gathering.changed("c");
    expect(acts).toEqual(["a"]);
  });
});
