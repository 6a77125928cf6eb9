import type { RunEvent, StreamMessage } from "@latentweave/telemetry";
import type { LaunchedRun, RunEnd } from "./launched-run.ts";
import type { RunView } from "./run-view.ts";
import { type RunResult, runResult } from "./run-result.ts";

/** Shows a run to its end. */
export async function followRun(run: LaunchedRun, view: RunView): Promise<RunResult> {
  const startMs = performance.now();
  let lastError: string | undefined;
  const show = async (): Promise<void> => {
    for await (const message of run.snapshotStream) {
      lastError = errorsOf(message).at(-1)?.text ?? lastError;
      view.take(message);
    }
  };
  const shown = show();
  try {
    const end = await run.ended;
    await shown;
    return runResult(run, withCause(end, lastError), performance.now() - startMs);
  } finally {
    view.close();
  }
}

function errorsOf(message: StreamMessage): readonly RunEvent[] {
  if (message.kind === "commit") return [];
  const events = message.kind === "event" ? [message.event] : message.snapshot.events;
  return events.filter(({ level }) => level === "error");
}

/** A coordinator that ended over an error said which one; its launcher knows only that it ended. */
function withCause(end: RunEnd, lastError: string | undefined): RunEnd {
  if (end.state !== "failed" || lastError === undefined) return end;
  return { ...end, reason: lastError.replace(/^failed: /, "") };
}
