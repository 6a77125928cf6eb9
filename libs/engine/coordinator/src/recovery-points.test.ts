import { expect, it } from "vitest";
import { createRecoveryPoints } from "./recovery-points.ts";

function heldByAll(shards: number, ...versions: number[]): ReturnType<typeof createRecoveryPoints> {
  const points = createRecoveryPoints(shards);
  for (let index = 0; index < shards; index++) points.report({ index, own: versions, kept: versions });
  return points;
}

it("a cut is complete once every shard holds its part and every buddy keeps it", () => {
  const points = heldByAll(3, 20);
  points.report({ index: 0, own: [20, 40], kept: [20] });
  points.report({ index: 1, own: [20, 40], kept: [20, 40] });
  points.report({ index: 2, own: [20, 40], kept: [20, 40] });
  expect(points.complete()).toBe(20);
  points.report({ index: 0, own: [20, 40], kept: [20, 40] });
  expect(points.complete()).toBe(40);
});

it("a lost shard's part is to be had from its buddy, and from nobody when both are lost", () => {
  const points = heldByAll(3, 20);
  points.forget(1);
  expect(points.complete()).toBeUndefined();
  expect(points.obtainable(0, 100)).toBe(20);
  points.forget(2);
  expect(points.obtainable(0, 100)).toBeUndefined();
});

it("none is taken that a checkpoint has overtaken, or that the ledger does not reach", () => {
  const points = heldByAll(2, 20, 40);
  expect(points.obtainable(20, 39)).toBeUndefined();
  expect(points.obtainable(19, 39)).toBe(20);
  expect(points.obtainable(20, 40)).toBe(40);
});
