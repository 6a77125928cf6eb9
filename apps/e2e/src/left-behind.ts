import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { markName } from "./command.ts";

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
    const alive = processesWith(mark);
    if (alive.length === 0 || performance.now() > endMs) return alive;
    await wait(pollMs);
  }
}

function processesWith(mark: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      if (!environment.includes(`${markName}=${mark}`)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
    } catch {
      return []; // gone meanwhile
    }
  });
}
