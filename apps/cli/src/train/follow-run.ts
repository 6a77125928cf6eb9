import type { LaunchedRun } from "./launched-run.ts";
import type { RunView } from "./run-view.ts";
import { type RunResult, runResult } from "./run-result.ts";

/** Shows a run to its end. */
export async function followRun(run: LaunchedRun, view: RunView): Promise<RunResult> {
  const startMs = performance.now();
  const show = async (): Promise<void> => {
    for await (const message of run.snapshotStream) view.take(message);
  };
  const shown = show();
  try {
    const end = await run.ended;
    await shown;
    return runResult(run, end, performance.now() - startMs);
  } finally {
    view.close();
  }
}
