import { setTimeout as wait } from "node:timers/promises";
import { processesWith } from "./processes.ts";

/** A process that was told to end may be seen for this long. */
const goneMs = 3_000;
const pollMs = 100;

/**
 * Processes started, directly or not, by the command that carried this mark and alive although they should not be.
 * @returns command lines
 */
export async function leftBehind(mark: string): Promise<string[]> {
  const endMs = performance.now() + goneMs;
  for (;;) {
    const alive = processesWith(mark).map(({ args }) => args.join(" "));
    if (alive.length === 0 || performance.now() > endMs) return alive;
    await wait(pollMs);
  }
}
