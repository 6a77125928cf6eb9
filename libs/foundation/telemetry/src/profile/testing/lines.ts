import type { ProfilePhase } from "@latentweave/protocol";
import type { ProfileLine } from "../profile-line.ts";
import { createSpanRecorder } from "../span-recorder.ts";

export type Told = readonly [
  phase: ProfilePhase,
  step: number,
  startMs: number,
  endMs: number,
  peer?: string | undefined,
  timeline?: number,
];

/** What a process of the coordinator's own host would tell of these spans, in one report. */
export function lineOf(process: string, told: readonly Told[], pid = 1): ProfileLine {
  const recorder = createSpanRecorder({
    ...{ nowMs: () => 0, hostNowMs: () => 0, pid, host: "here", clock: "here" },
  });
  recorder.welcomed({ nowMs: 0, zeroMs: 0 });
  for (const [phase, step, startMs, endMs, peer, timeline = 0] of told)
    recorder.add(phase, timeline, step, startMs, endMs, peer);
  const taken = recorder.take();
  if (!taken) throw new Error("a recorder that was welcomed gives what it has");
  return { process, atMs: 0, ...taken };
}

export const coordinatorLine: ProfileLine = lineOf("coordinator", []);
