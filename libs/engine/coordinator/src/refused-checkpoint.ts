import type { Clock } from "@latentweave/protocol";
import type { RunLog } from "./run-log.ts";

/** Between two attempts at a checkpoint that nothing follows. */
const againMs = 1_000;
/** How long it is tried for. Everything else that a run keeps waits as long for its disk. */
const patienceMs = 30_000;

export interface RefusedCheckpoint {
  take(version: number, error: unknown): void;
  /** Everybody goes back: what comes last is still to be made. */
  startOver(): void;
}

/**
 * What becomes of a checkpoint that could not be written: the run goes on, and the next one that is due is the next
 * attempt. Where nothing follows it is tried again for a while; a run whose last weights are not on the disk has failed.
 */
export function createRefusedCheckpoint(options: {
  readonly clock: Clock;
  readonly log: RunLog;
  readonly isOver: () => boolean;
  /** No step follows this version. */
  readonly isLast: (version: number) => boolean;
  /** Has the shards send the last one again. */
  readonly askForLast: () => void;
  readonly onFailed: (reason: string) => void;
}): RefusedCheckpoint {
  const { clock, log } = options;
  /** Of the first refusal of the last one. */
  let sinceMs: number | undefined;

  const take: RefusedCheckpoint["take"] = (version, error) => {
    if (options.isOver()) return;
    const text = error instanceof Error ? error.message : String(error);
    const [why = ""] = text.split("\n");
    if (!options.isLast(version)) {
      log.event(
        "warning",
        `the checkpoint of step ${version} could not be written, and the next one is tried when it is due: ${why}`,
      );
      return;
    }
    sinceMs ??= clock.nowMs();
    if (clock.nowMs() - sinceMs >= patienceMs) {
      options.onFailed(`the last checkpoint could not be written for ${patienceMs / 1000} s: ${text}`);
      return;
    }
    log.event("warning", `the last checkpoint could not be written, and is tried again: ${why}`);
    clock.after(againMs, () => {
      if (!options.isOver()) options.askForLast();
    });
  };

  return {
    take,
    startOver() {
      sinceMs = undefined;
    },
  };
}
