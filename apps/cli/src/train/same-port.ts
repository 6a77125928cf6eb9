import { parseLine } from "./process-starter.ts";

/** One listening process after the other, each at the port of the one before, so that others find it again. */
export interface SamePort {
  /** Of the next process. */
  readonly args: () => string[];
  readonly onLine: (line: string) => void;
}

/** @param fixed something stands before this port: no other will do */
export function samePort(always: readonly string[], flag: string, fixed?: number): SamePort {
  let port = fixed;
  return {
    args() {
      const args = port === undefined ? [...always] : [...always, flag, String(port)];
      // One that cannot have the port says so and ends; the next takes any, and everybody is told where it is.
      port = fixed;
      return args;
    },
    onLine(line) {
      const said = parseLine(line)?.listening;
      if (typeof said === "number") port = said;
    },
  };
}
