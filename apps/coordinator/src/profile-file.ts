import { appendFile, mkdir, rename } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { ProfileSink } from "@latentweave/coordinator-engine";
import type { Profiled } from "@latentweave/protocol";
import { createSpanRecorder, profileFiles, type ProfileLine } from "@latentweave/telemetry";
import { hostIdentity } from "@latentweave/transport";

/** As with the other measurements: a kill loses no more than this of them. */
const gatherMs = 100;
const mostGatheredLines = 5_000;

export interface ProfileFile extends ProfileSink {
  /** What was gathered is with the operating system. */
  close(): Promise<void>;
}

/**
 * Where a profiled run keeps what its processes say of their time: a line per report, of the newest steps (docs/profile.md).
 * A disk that refuses them costs the profile and nothing else.
 * @param keepSteps at least so many steps are kept, and at most twice as many
 */
export function createProfileFile(options: {
  readonly directory: string;
  readonly keepSteps: number;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}): ProfileFile {
  const { nowMs, keepSteps } = options;
  const folder = path.join(options.directory, profileFiles.folder);
  const file = path.join(folder, profileFiles.newest);
  const own = createSpanRecorder({
    ...{ nowMs, hostNowMs: () => Number(process.hrtime.bigint()) / 1e6 },
    ...{ pid: process.pid, host: os.hostname(), clock: hostIdentity },
  });
  const { zeroMs } = own;
  own.welcomed({ nowMs: nowMs(), zeroMs });
  let lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let steps = 0;
  let hasFailed = false;
  let writing: Promise<unknown> = Promise.resolve();

  const queue = (work: () => Promise<unknown>): void => {
    writing = writing.then(work).catch((error: unknown) => {
      if (hasFailed) return;
      hasFailed = true;
      lines = [];
      options.log(`the profile is given up: ${error instanceof Error ? error.message : String(error)}`);
    });
  };

  queue(() => mkdir(folder, { recursive: true }));

  const add = (process: string, profiled: Profiled): void => {
    const line: ProfileLine = { process, atMs: nowMs() + zeroMs, ...profiled };
    lines.push(JSON.stringify(line));
    timer ??= setTimeout(hand, gatherMs);
    if (lines.length >= mostGatheredLines) hand();
  };

  const hand = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const recorded = own.take();
    if (recorded && recorded.spans.length > 0)
      lines.push(JSON.stringify({ process: "coordinator", atMs: nowMs() + zeroMs, ...recorded }));
    const text = `${lines.join("\n")}\n`;
    if (lines.length === 0 || hasFailed) return;
    lines = [];
    queue(() => appendFile(file, text));
  };

  return {
    clocks: () => ({ nowMs: nowMs(), zeroMs }),
    take(process, profiled) {
      if (profiled && !hasFailed) add(process, profiled);
    },
    recorded(timeline, step, sinceMs) {
      own.add("record", timeline, step, sinceMs, nowMs());
      steps += 1;
      if (steps < keepSteps) return;
      steps = 0;
      hand();
      queue(() => rename(file, path.join(folder, profileFiles.before)));
    },
    async close() {
      hand();
      await writing;
    },
  };
}
