import type { Moment, Probe } from "@latentweave/protocol";
import type { FaultFolder } from "../journal/fault-folder.ts";
import { steadyWallMs, writeJournal } from "../journal/journal.ts";
import { type Fault, gradientKinds } from "../plan/fault.ts";
import { standardMoment } from "../plan/targets.ts";
import type { FaultSetting } from "./setting.ts";
import { jumpWallClock } from "./wall-clock.ts";

/**
 * Strikes this process at the first passing of a fault's moment in its step or, where the process was not there in that
 * step, in a later one.
 */
export function createProbe<Own extends Moment>(
  { process: name, faults }: FaultSetting,
  folder: FaultFolder,
  role: "worker" | "shard" | "coordinator",
): Probe<Own> {
  const waiting = faults.filter(({ fault }) => !(gradientKinds as readonly string[]).includes(fault.do));
  const isDue = (fault: Fault, moment: Moment, step: number): boolean =>
    step >= fault.at.step && moment === (fault.at.moment ?? standardMoment[role]);
  return (moment, step) => {
    for (const entry of [...waiting]) {
      if (!isDue(entry.fault, moment, step)) continue;
      waiting.splice(waiting.indexOf(entry), 1);
      if (!folder.claim(entry.number, name)) continue;
      writeJournal(folder.journal, {
        kind: "struck",
        fault: entry.number,
        atMs: steadyWallMs(),
        process: name,
        pid: process.pid,
        step,
        moment,
      });
      strike(entry.fault);
    }
  };
}

/** Long enough for any system to deliver a signal to its own sender. */
const deliveryMs = 5_000;

function strike(fault: Fault): void {
  if (fault.do === "clock-jump") return jumpWallClock(fault.byMs);
  if (fault.do === "stop") {
    process.kill(process.pid, "SIGSTOP");
    return;
  }
  process.kill(process.pid, "SIGKILL");
  // Not one instruction of the engine may run after this moment.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, deliveryMs);
}
