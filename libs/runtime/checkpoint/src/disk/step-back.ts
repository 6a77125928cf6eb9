import { writeFileSync } from "node:fs";
import os from "node:os";

/** The least that Linux knows of: nothing is left to it while all processors are busy, or next to nothing. */
const leastPriority = 19;

/**
 * This process gives way to everybody. Where Linux groups what is started together (autogroup, on most desktops and
 * virtual machines) a niceness counts within its group alone, so the group steps back as well: it has to be this process's
 * own.
 */
export function stepBackBehindAll(): void {
  try {
    os.setPriority(leastPriority);
    if (process.platform === "linux") writeFileSync("/proc/self/autogroup", String(leastPriority));
  } catch {
    // No autogroups here: the niceness does it.
  }
}
