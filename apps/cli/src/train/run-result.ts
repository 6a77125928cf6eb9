import pc from "picocolors";
import { exitCodes } from "../command/failure.ts";
import { formatCount, formatDuration } from "../show/numbers.ts";
import type { LaunchedRun, RunEnd } from "./launched-run.ts";

/** What a run left, as `train --json` prints it last and `train()` returns it. */
export interface RunResult {
  readonly kind: "end";
  readonly runId: string;
  readonly directory: string;
  readonly state: RunEnd["state"];
  /** Committed steps, which is also the version of the weights. */
  readonly step: number;
  readonly hash: string | null;
  readonly reason: string | null;
  readonly elapsedMs: number;
}

export function runResult(
  run: Pick<LaunchedRun, "runId" | "directory">,
  end: RunEnd,
  elapsedMs: number,
): RunResult {
  return {
    kind: "end",
    runId: run.runId,
    directory: run.directory,
    state: end.state,
    step: end.version,
    hash: end.hash,
    reason: end.reason,
    elapsedMs: Math.round(elapsedMs),
  };
}

/** The closing lines of `train`. @param runsFlag ` --runs DIR` where the folder is not the default */
export function formatResult(result: RunResult, runsFlag: string): string {
  const { runId, step, hash, reason, elapsedMs } = result;
  const figures = `${step > 0 ? `step ${formatCount(step)}, ` : ""}${formatDuration(elapsedMs)}`;
  const lines = [headline(result, figures)];
  if (hash !== null) lines.push(`hash    ${hash}`);
  lines.push(`folder  ${result.directory}`);
  if (result.state === "finished") lines.push(`next    latentweave evaluate ${runId}${runsFlag} --baselines`);
  else {
    if (reason !== null) lines.push(`reason  ${reason}`);
    lines.push(`next    latentweave train --resume --run-id ${runId}${runsFlag}`);
  }
  return lines.join("\n");
}

function headline({ state, runId }: RunResult, figures: string): string {
  if (state === "finished") return `${pc.green("done")}    ${runId}: ${figures}`;
  if (state === "interrupted") return `${pc.yellow("stopped")} ${runId}: ${figures}`;
  return `${pc.red("failed")}  ${runId}: ${figures}`;
}

/** A run that was ended at once, by the second Ctrl-C: it has no last word of its own. */
export function endedAtOnce(result: RunResult): RunResult {
  return {
    ...result,
    state: "interrupted",
    reason: "ended at once; what came after the last checkpoint is computed again on resume",
  };
}

export function exitCodeOf({ state }: RunResult): number {
  if (state === "finished") return exitCodes.done;
  return state === "interrupted" ? exitCodes.interrupted : exitCodes.failed;
}
