import { expect, it } from "vitest";
import type { Clock } from "./clock.ts";
import { createGathered, type Gathered } from "./gathered.ts";

/** A clock that is moved by hand. */
function handClock(): Clock & { move(ms: number): void } {
  let now = 0;
  const timers = new Map<() => void, number>();
  return {
    nowMs: () => now,
    after(delayMs, run) {
      timers.set(run, now + delayMs);
      return () => timers.delete(run);
    },
    move(ms) {
      now += ms;
      for (const [run, dueMs] of timers) {
        if (dueMs > now) continue;
        timers.delete(run);
        run();
      }
    },
  };
}

function scene(): {
  clock: ReturnType<typeof handClock>;
  told: (readonly number[])[];
  all: Gathered<number>;
} {
  const clock = handClock();
  const told: (readonly number[])[] = [];
  return {
    clock,
    told,
    all: createGathered({ clock, everyMs: () => 100, tell: (items) => told.push(items) }),
  };
}

it("what comes seldom is told at once", () => {
  const { clock, told, all } = scene();
  for (const item of [1, 2, 3]) {
    all.add(item);
    clock.move(100);
  }
  expect(told).toEqual([[1], [2], [3]]);
});

it("what comes often is told together, in order, after no longer than the time that was named", () => {
  const { clock, told, all } = scene();
  for (const item of [1, 2, 3, 4]) {
    all.add(item);
    clock.move(30);
  }
  expect(told).toEqual([[1], [2, 3, 4]]);
});

it("the last ones do not wait for others", () => {
  const { clock, told, all } = scene();
  all.add(1);
  all.add(2);
  clock.move(100);
  expect(told).toEqual([[1], [2]]);
});

it("nothing is told twice, and a flush of nothing says nothing", () => {
  const { clock, told, all } = scene();
  all.flush();
  all.add(1);
  all.add(2);
  all.flush();
  clock.move(1000);
  all.flush();
  expect(told).toEqual([[1], [2]]);
});

it("a message does not grow without end", () => {
  const { told, all } = scene();
  for (let item = 0; item < 200; item++) all.add(item);
  expect(told.map((items) => items.length)).toEqual([1, 64, 64, 64]);
});
