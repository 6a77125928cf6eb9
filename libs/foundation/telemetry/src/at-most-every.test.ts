import { expect, it } from "vitest";
import { atMostEvery } from "./at-most-every.ts";

it("a figure is read again when it is old, and not before", () => {
  let now = 5;
  let reads = 0;
  const figure = atMostEvery(
    100,
    () => now,
    () => ++reads,
  );
  expect([figure(), figure()]).toEqual([1, 1]);
  now = 104;
  expect(figure()).toBe(1);
  now = 105;
  expect([figure(), figure()]).toEqual([2, 2]);
});
