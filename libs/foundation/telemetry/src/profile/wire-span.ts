import type { ProfilePhase } from "@latentweave/protocol";

/** The position in this list is what travels and what files hold: only ever add at the end. */
export const profilePhases = [
  "data",
  "compute",
  "read-back",
  "reduce",
  "push",
  "receive",
  "combine",
  "commit",
  "update",
  "broadcast",
  "digest",
  "record",
] as const satisfies readonly ProfilePhase[];

/** Phase, peer (0: none, else its place in `names` + 1), timeline, step, start and length in whole microseconds. */
export const numbersOfSpan = 6;
