import { coordinatorLine, lineOf, type Told } from "./lines.ts";
import type { ProfileLine } from "../profile-line.ts";

/** Step 0 and what comes before the hand-checked step 1, which begins when the weights have left at 100. */
export const endOfStepZero: readonly Told[] = [
  ["commit", 0, 90, 91],
  ["update", 0, 91, 98],
  ["broadcast", 0, 98, 100],
];

/**
 * Step 1 of two workers and a shard, 32 ms from 100 to 132. Worker 1 computes twice as long as worker 0, so that all
 * wait for it.
 */
export function twoWorkers(): ProfileLine[] {
  return [
    coordinatorLine,
    lineOf("worker-0", [
      ["push", 0, 80, 81],
      ["receive", 1, 100, 101, "shard-0"],
      ["compute", 1, 101, 110],
      ["push", 1, 110, 111],
    ]),
    lineOf("worker-1", [
      ["push", 0, 82, 83],
      ["receive", 1, 100.5, 101.5, "shard-0"],
      ["compute", 1, 101.5, 120],
      ["read-back", 1, 120, 121],
      ["push", 1, 121, 122],
    ]),
    lineOf("shard-0", [
      ...endOfStepZero,
      ["reduce", 1, 111.5, 113, "worker-0"],
      ["reduce", 1, 123, 125, "worker-1"],
      ["combine", 1, 125, 126],
      ["commit", 1, 126, 127],
      ["update", 1, 127, 130],
      ["broadcast", 1, 130, 132],
    ]),
  ];
}
