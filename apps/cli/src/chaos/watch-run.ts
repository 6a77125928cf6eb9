import { setTimeout as wait } from "node:timers/promises";
import { type FaultFolder, steadyWallMs, writeJournal } from "@latentweave/faults";
import type { RunEvent, StreamMessage } from "@latentweave/telemetry";
import { readStream } from "../train/event-stream.ts";

/** A coordinator that is started again answers at the same address; this often somebody looks. */
const againMs = 100;

/**
 * Follows a run's live stream through losses of its coordinator, and notes commits and events in the journal by this
 * process' own clock.
 */
export interface RunWatch {
  /** Steps committed, as far as is known. */
  readonly version: number;
  /** `performance.now()` of the last sign of progress. */
  readonly progressAtMs: number;
  stop(): void;
}

export function watchRun(options: {
  readonly url: string;
  readonly token: string | undefined;
  readonly folder: FaultFolder;
  /** Steps whose commit has been noted: kept by the caller over several starts of the run. */
  readonly noted: Set<number>;
  /** The run computes, and so many steps are committed. */
  readonly onVersion: (version: number) => void;
}): RunWatch {
  const { folder, noted } = options;
  let over = false;
  let version = 0;
  let progressAtMs = performance.now();
  let newestEventMs = 0;

  const commit = (step: number, isGap: boolean): void => {
    noted.add(step);
    writeJournal(folder.journal, { kind: "commit", step, atMs: steadyWallMs(), isGap });
  };

  const event = ({ atMs, level, text }: RunEvent): void => {
    newestEventMs = Math.max(newestEventMs, atMs);
    writeJournal(folder.journal, { kind: "event", atMs: steadyWallMs(), level, text });
  };

  const take = (message: StreamMessage): void => {
    if (message.kind === "event") return event(message.event);
    if (message.kind === "commit") {
      commit(message.point.step, false);
      version = message.point.step + 1;
      progressAtMs = performance.now();
      return options.onVersion(version);
    }
    const { snapshot } = message;
    // What was said while this stream was broken.
    for (const missed of snapshot.events) if (missed.atMs > newestEventMs) event(missed);
    for (let step = version; step < snapshot.step; step++) if (!noted.has(step)) commit(step, true);
    if (snapshot.step > version) progressAtMs = performance.now();
    version = snapshot.step;
    if (snapshot.state === "running") options.onVersion(version);
  };

  const isOver = (): boolean => over;
  const follow = async (): Promise<void> => {
    while (!isOver()) {
      for await (const message of readStream(options.url, options.token)) {
        if (isOver()) return;
        take(message);
      }
      await wait(againMs);
    }
  };
  void follow();
  return {
    get version() {
      return version;
    },
    get progressAtMs() {
      return progressAtMs;
    },
    stop() {
      over = true;
    },
  };
}
