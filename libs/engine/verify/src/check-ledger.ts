import { stat } from "node:fs/promises";
import path from "node:path";
import {
  type Cut,
  cutsOf,
  isInEffect,
  LedgerError,
  type LedgerRecord,
  readLedger,
  type SealRecord,
  type StartRecord,
} from "@latentweave/checkpoint";
import { type CommitRecord, makesVoid, type TimelineRecord } from "@latentweave/protocol";
import type { CommitCheck } from "./check-commit.ts";
import { createPauseOrder, isPaused } from "./check-pauses.ts";
import type { DealCheck } from "./check-deals.ts";
import type { GuardCheck } from "./check-guard.ts";
import type { Problems } from "./problem.ts";
import { createPlannedOnce } from "./planned-once.ts";
import { createRepeats } from "./repeats.ts";
import { createVersionDigests, type VersionDigests } from "./version-digests.ts";

/** What a ledger tells, once every line of it has been checked. */
export interface LedgerFacts {
  /** The next step of the newest timeline: all before it are in effect. */
  readonly nextStep: number;
  /** Version that the commits in effect come to. */
  readonly version: number;
  readonly lines: number;
  readonly timelines: readonly TimelineRecord[];
  /** Commits that became void and were computed again. */
  readonly repeated: number;
  readonly microBatches: number;
  readonly nodes: number;
  readonly duplicates: number;
  readonly samples: Readonly<Record<string, number>>;
  /** By task: steps in which its contributions are recorded and were not applied. */
  readonly pausedSteps: Readonly<Record<string, number>>;
  readonly workers: readonly string[];
  readonly starts: readonly StartRecord[];
  /** The newest of each version, and whether a later conviction made it void. */
  readonly seals: ReadonlyMap<number, SealRecord & { readonly void: boolean }>;
  readonly digests: Pick<VersionDigests, "of">;
  /** The step with which the run ended, as held-out losses fell no further. */
  readonly endedBy: number | undefined;
}

interface Tally {
  nextStep: number;
  timeline: number;
  version: number;
  lines: number;
  repeated: number;
  microBatches: number;
  nodes: number;
  duplicates: number;
}

/**
 * Reads a ledger from front to back: chain, order of timelines and steps, each commit against the plan, digests of
 * versions that were made again. Problems are collected; from a damaged line on nothing more can be said.
 */
export async function checkLedger(options: {
  readonly file: string;
  readonly runId: string;
  /** Undefined: the plan is not known, so commits are not compared with it. */
  readonly commits: CommitCheck | undefined;
  /** Asked of each commit in effect, in order: whether no step may follow, before the job's steps are over. */
  readonly ends?: ((commit: CommitRecord) => boolean) | undefined;
  readonly guard?: GuardCheck | undefined;
  readonly deals?: DealCheck | undefined;
  readonly problems: Problems;
}): Promise<LedgerFacts> {
  const { file, commits, guard, deals, problems } = options;
  const name = path.join("ledger", path.basename(file));
  const tally: Tally = {
    nextStep: 0,
    timeline: 0,
    version: 0,
    lines: 0,
    repeated: 0,
    microBatches: 0,
    nodes: 0,
    duplicates: 0,
  };
  const timelines: TimelineRecord[] = [];
  const samples: Record<string, number> = {};
  const pausedSteps: Record<string, number> = {};
  const workers = new Set<string>();
  const starts: StartRecord[] = [];
  const seals = new Map<number, SealRecord & { void: boolean }>();
  const digests = createVersionDigests();
  const repeats = createRepeats();
  const once = createPlannedOnce();
  const pauses = createPauseOrder();
  let cuts: Cut[] = [];
  let endedBy: number | undefined;

  const takeCommit = (commit: CommitRecord, where: string): void => {
    if (commit.timeline !== tally.timeline)
      problems.add(where, `it is of timeline ${commit.timeline}, the record is in ${tally.timeline}`);
    if (commit.step !== tally.nextStep)
      problems.add(
        where,
        `the record continues with step ${tally.nextStep}: ${gap(commit.step, tally.nextStep)}`,
      );
    tally.nextStep = commit.step + 1;
    for (const fault of commits?.faults(commit, deals?.at(commit.step)) ?? []) problems.add(where, fault);
    for (const decided of [guard?.note(commit), deals?.note(commit)])
      if (decided !== undefined) problems.add(where, decided);
    const fault =
      digests.note(commit.step, commit.digest) ??
      repeats.note(commit) ??
      once.note(commit) ??
      pauses.note(commit);
    if (fault !== undefined) problems.add(where, fault);
    tally.duplicates += commit.duplicates;
    if (isInEffect(commit.step, cuts)) count(commit);
    else {
      tally.repeated += 1;
      repeats.keep(commit);
    }
  };

  const count = (commit: CommitRecord): void => {
    if (endedBy !== undefined)
      problems.add(`${name}, step ${commit.step}`, `the run had to end early, with step ${endedBy}`);
    if (options.ends?.(commit) === true) endedBy = commit.step;
    tally.version = commit.version;
    tally.microBatches += commits?.microBatches(commit) ?? 0;
    for (const { task } of commit.paused ?? []) pausedSteps[task] = (pausedSteps[task] ?? 0) + 1;
    for (const task of commit.tasks) {
      if (!isPaused(commit, task.task)) samples[task.task] = (samples[task.task] ?? 0) + task.samples;
      for (const { nodes } of task.shards) {
        tally.nodes += nodes.length;
        for (const [, , workerId] of nodes) workers.add(workerId);
      }
    }
  };

  const take = (record: LedgerRecord, where: string): void => {
    switch (record.kind) {
      case "start":
        starts.push(record);
        return;
      case "commit":
        takeCommit(record, `${where}, step ${record.step}`);
        return;
      case "version": {
        const fault = digests.note(record.version, record.digest);
        if (fault !== undefined) problems.add(where, fault);
        return;
      }
      case "seal":
        if (record.version > tally.nextStep)
          problems.add(
            where,
            `it seals version ${record.version} when the record is at step ${tally.nextStep}`,
          );
        seals.set(record.version, { ...record, void: false });
        return;
      case "timeline":
        if (record.timeline <= tally.timeline)
          problems.add(where, `timeline ${record.timeline} begins after timeline ${tally.timeline}`);
        if (record.fromVersion > tally.nextStep)
          problems.add(
            where,
            `timeline ${record.timeline} begins at version ${record.fromVersion}, which step ${tally.nextStep} has not made`,
          );
        tally.timeline = record.timeline;
        tally.nextStep = record.fromVersion;
        timelines.push(record);
        digests.begin(record);
        repeats.begin(record);
        once.begin(record);
        pauses.begin(record);
        guard?.begin(record);
        deals?.begin(record);
        if (makesVoid(record))
          for (const seal of seals.values()) if (seal.version > record.fromVersion) seal.void = true;
    }
  };

  let end = 0;
  try {
    cuts = await cutsOf(file);
    for await (const entry of readLedger(file, options.runId)) {
      while (cuts[0] !== undefined && cuts[0].number <= entry.number) cuts.shift();
      take(entry.record, `${name}, line ${entry.number}`);
      tally.lines = entry.number;
      end = entry.end;
    }
    const { size } = await stat(file);
    if (size !== end)
      problems.add(`${name}, line ${tally.lines + 1}`, `the last ${size - end} bytes are no whole line`);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    problems.add(`${name}, line ${error.line}`, `${error.what}; nothing after it can be checked`);
  }
  return {
    ...tally,
    timelines,
    samples,
    pausedSteps,
    workers: [...workers].sort(),
    starts,
    seals,
    digests,
    endedBy,
  };
}

function gap(step: number, expected: number): string {
  return step > expected ? `${step - expected} commits are missing` : "this one is there already";
}
