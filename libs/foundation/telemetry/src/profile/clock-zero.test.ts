import { expect, it } from "vitest";
import { clockZeroMs } from "./clock-zero.ts";

it("two clocks are compared as if they had been read at once, although the process is put aside meanwhile", () => {
  let passedMs = 0;
  let reads = 0;
  /** A reading takes a microsecond; before all but those of the seventh attempt the process stands still for 3 ms. */
  const read = (): number => {
    const isUndisturbed = reads >= 18 && reads < 21;
    reads += 1;
    passedMs += isUndisturbed ? 0.001 : 3;
    return passedMs;
  };
  const zeroMs = clockZeroMs(() => 5_000 + read(), read);
  expect(Math.abs(zeroMs - 5_000)).toBeLessThan(0.001);
});
