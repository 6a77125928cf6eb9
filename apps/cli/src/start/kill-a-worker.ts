import os from "node:os";
import type { RunSnapshot, StreamMessage, WorkerSnapshot } from "@latentweave/telemetry";
import { setTimeout as wait } from "node:timers/promises";
import { formatCount, formatDuration } from "../show/numbers.ts";

/** What happened to the worker that was killed. */
export interface Killing {
  readonly workerId: string;
  readonly pid: number;
  /** Committed steps at that moment. */
  readonly step: number;
}

/** Often enough to time a restart of a second or two. */
const lookMs = 200;

/**
 * Kills one of a run's workers with SIGKILL once `killStep` steps are committed, and tells what becomes of it.
 * @param url of the run's coordinator
 * @param say takes the lines for the person at the terminal
 */
export function killAWorker(url: string, killStep: number, say: (line: string) => void) {
  let killing: Killing | undefined;
  let isDue = false;
  const act = async (): Promise<void> => {
    const snapshot = await look(url);
    const worker = snapshot?.workers.findLast(isKillable);
    if (!snapshot || !worker) return;
    say(
      `step ${formatCount(snapshot.step)}: kill -9 ${worker.pid}, which is ${worker.workerId}; nobody was warned`,
    );
    process.kill(worker.pid, "SIGKILL");
    killing = { workerId: worker.workerId, pid: worker.pid, step: snapshot.step };
    await tellReturn(url, killing, say);
  };
  return {
    /** Undefined until it has been killed. */
    get killing(): Killing | undefined {
      return killing;
    },
    take(message: StreamMessage): void {
      if (isDue || message.kind !== "commit" || message.point.step + 1 < killStep) return;
      isDue = true;
      // A run that ends meanwhile has nobody to kill; the tour says then that nothing was shown.
      act().catch((error: unknown) => say(`the worker could not be killed: ${String(error)}`));
    },
  };
}

function isKillable(worker: WorkerSnapshot): boolean {
  return worker.state === "active" && worker.host === os.hostname();
}

async function tellReturn(
  url: string,
  { workerId, pid, step }: Killing,
  say: (line: string) => void,
): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    await wait(lookMs);
    const snapshot = await look(url);
    if (!snapshot) return;
    const back = snapshot.workers.find(
      (worker) => worker.workerId === workerId && worker.pid !== pid && worker.state === "active",
    );
    if (!back) continue;
    const meanwhile = snapshot.step - step;
    say(
      `step ${formatCount(snapshot.step)}: ${workerId} is back as process ${back.pid}, ` +
        `${formatDuration(performance.now() - startMs)} later; the run did ${formatCount(meanwhile)} step${meanwhile === 1 ? "" : "s"} meanwhile`,
    );
    return;
  }
}

async function look(url: string): Promise<RunSnapshot | undefined> {
  const answer = await fetch(new URL("/api/v1/run", url)).catch(() => undefined);
  return answer?.ok ? ((await answer.json()) as RunSnapshot) : undefined;
}
