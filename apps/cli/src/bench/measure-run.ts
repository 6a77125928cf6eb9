import { rm } from "node:fs/promises";
import type { JobInput } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { type CommitPoint, type PathPhase, sumsOf } from "@latentweave/telemetry";
import { readProfile } from "../profile/read-profile.ts";
import type { LaunchedRun, LaunchOptions } from "../train/launched-run.ts";
import { prepareLaunch } from "../train/prepare-launch.ts";
import { startNewRun } from "../train/start-run.ts";
import type { TrainFlags } from "../train/train-flags.ts";
import type { BenchContext } from "./bench-context.ts";

export interface RunRequest {
  readonly job: JobInput;
  readonly workers: number;
  readonly samplesPerStep: number;
  /** Counted, after a warm-up. */
  readonly seconds: number;
  readonly flags?: Pick<TrainFlags, "placement" | "device" | "backend">;
  readonly more?: Pick<LaunchOptions, "environment" | "withoutComputing">;
  readonly profiled?: boolean;
}

export interface MeasuredRun {
  readonly workers: number;
  readonly steps: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  /** The mean step's critical path by phase, ms, where it was profiled: their sum is the mean step. */
  readonly phases: Readonly<Partial<Record<PathPhase, number>>>;
}

const warmUpSteps = 10;
const warmUpMs = 500;
const leastSteps = 3;
/** Loading the backend takes seconds on a slow disk. */
const joinMs = 120_000;
/** At once in memory; a profile of more steps shows nothing else. */
const profileSteps = 2_000;

/** A run as `latentweave train` does it, with every process that it has, ended when enough was seen of it. */
export async function measureRun(request: RunRequest, context: BenchContext): Promise<MeasuredRun> {
  const { job, workers, samplesPerStep, seconds, flags, more, profiled = false } = request;
  const { signal, folder, log } = context;
  signal.throwIfAborted();
  const options = await prepareLaunch(
    { input: job, directory: folder },
    {
      ...{ runs: folder, workers, dashboard: "off", host: "127.0.0.1", ...flags },
      ...(profiled ? { profile: profileSteps } : {}),
    },
    log,
  );
  const run = await startNewRun({ ...options, ...more }, null);
  const endNow = (): void => run.stopNow();
  signal.addEventListener("abort", endNow, { once: true });
  if (signal.aborted) endNow();
  try {
    const { first, last } = await watch(run, workers, seconds);
    signal.throwIfAborted();
    const steps = last.step - first.step;
    const stepMs = (last.atMs - first.atMs) / steps;
    const phases = profiled ? await phasesOf(run.directory, first.step, last.step) : {};
    return { workers, steps, stepMs, samplesPerSecond: (1000 * samplesPerStep) / stepMs, phases };
  } finally {
    signal.removeEventListener("abort", endNow);
    run.stopNow();
    await run.ended;
    await rm(run.directory, { recursive: true, force: true });
  }
}

/** @returns the commits between which is counted. @throws UserError for a run that fails, or does not get its workers */
async function watch(
  run: LaunchedRun,
  workers: number,
  seconds: number,
): Promise<{ readonly first: CommitPoint; readonly last: CommitPoint }> {
  let whole: CommitPoint | undefined;
  let first: CommitPoint | undefined;
  let last: CommitPoint | undefined;
  const waiting = { isTooLong: false };
  const timer = setTimeout(() => {
    if (whole) return;
    waiting.isTooLong = true;
    run.stopNow();
  }, joinMs);
  try {
    for await (const message of run.snapshotStream) {
      if (message.kind !== "commit" || last) continue;
      const { point } = message;
      if (!whole && point.workers >= workers) whole = point;
      else if (
        whole &&
        !first &&
        point.step >= whole.step + warmUpSteps &&
        point.atMs - whole.atMs >= warmUpMs
      )
        first = point;
      else if (first && point.atMs - first.atMs >= 1000 * seconds && point.step - first.step >= leastSteps) {
        last = point;
        // In order, so that every process hands over what it has of the profile.
        run.stop("enough was seen").catch(() => run.stopNow());
      }
    }
    const { reason } = await run.ended;
    if (first && last) return { first, last };
    throw new UserError({
      what: waiting.isTooLong
        ? `not all of ${workers} workers took part within ${joinMs / 1000} s`
        : `a run of ${workers} workers ended by itself: ${reason ?? "no reason given"}`,
      mend: "see what this machine has with `latentweave doctor`, or name fewer: --workers",
    });
  } finally {
    clearTimeout(timer);
  }
}

async function phasesOf(directory: string, first: number, last: number): Promise<MeasuredRun["phases"]> {
  const { summary } = await readProfile(directory);
  const steps = summary.steps.filter(
    ({ step: { step, isWhole } }) => isWhole && step > first && step <= last,
  );
  const sums: Partial<Record<PathPhase, number>> = {};
  for (const { path } of steps)
    for (const { phase, ms } of sumsOf(path)) sums[phase] = (sums[phase] ?? 0) + ms / steps.length;
  return sums;
}
