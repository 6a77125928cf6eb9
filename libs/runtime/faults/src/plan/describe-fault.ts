import type { Fault } from "./fault.ts";

/** What is done, for people: `kill -9`, `SIGSTOP for 1.5 s`. */
export function describeAction(fault: Fault): string {
  switch (fault.do) {
    case "kill":
      return "kill -9";
    case "lose-memory":
      return "kill -9, and its memory is lost";
    case "stop":
      return `stopped (SIGSTOP) for ${seconds(fault.forMs)}`;
    case "drain":
      return `SIGTERM with ${seconds(fault.graceMs)} of grace`;
    case "join":
      return "a new worker joins";
    case "rejoin":
      return "comes back under the same name";
    case "slow":
      return `${fault.factor} times slower for ${seconds(fault.forMs)}`;
    case "partition":
      return `cut off from the network for ${seconds(fault.forMs)}`;
    case "delay":
      return `${fault.ms} ms of delay for ${seconds(fault.forMs)}`;
    case "loss":
      return `${percent(fault.share)} loss for ${seconds(fault.forMs)}`;
    case "bandwidth":
      return `${fault.mbitPerSecond} Mbit/s for ${seconds(fault.forMs)}`;
    case "corrupt-frames":
    case "truncate-frames":
    case "duplicate-frames":
    case "reorder-frames":
      return `${percent(fault.share)} of frames ${past[fault.do]} for ${seconds(fault.forMs)}`;
    case "disk-full":
      return `disk full for ${seconds(fault.forMs)}`;
    case "disk-read-only":
      return `disk read-only for ${seconds(fault.forMs)}`;
    case "damage-checkpoint":
      return `memory lost, and the newest checkpoint ${fault.how === "flip" ? "with a bit flipped" : "cut short"}`;
    case "damage-ledger":
      return `memory lost, and the end of the ledger ${fault.how === "flip" ? "with a bit flipped" : "cut short"}`;
    case "nan-gradient":
      return "a NaN in a gradient";
    case "inf-gradient":
      return "an infinity in a gradient";
    case "flip-gradient-bit":
      return `bit ${fault.bit} of a number in a gradient flipped`;
    case "wrong-answers":
      return `${percent(fault.probability)} of answers wrong for ${fault.forSteps} steps`;
    case "clock-jump":
      return `wall clock jumps by ${(fault.byMs / 3_600_000).toFixed(1)} h`;
  }
}

const past = {
  "corrupt-frames": "corrupted",
  "truncate-frames": "cut short",
  "duplicate-frames": "sent twice",
  "reorder-frames": "out of order",
} as const;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
