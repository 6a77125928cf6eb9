import { loadArithmetic } from "@latentweave/arithmetic";
import { LedgerError, readLedger } from "@latentweave/checkpoint";
import { createLayout } from "@latentweave/parameters";
import { earlyEnd, keepsBits, lastStep } from "@latentweave/plan";
import type { TimelineRecord } from "@latentweave/protocol";
import { type CheckedCheckpoint, checkCheckpoints } from "./check-checkpoints.ts";
import { createCommitCheck } from "./check-commit.ts";
import { createDealCheck } from "./check-deals.ts";
import { createGuardCheck } from "./check-guard.ts";
import { checkLedger, type LedgerFacts } from "./check-ledger.ts";
import { openRunFiles, type RunFiles } from "./open-record.ts";
import { createProblems, type Problem, type Problems } from "./problem.ts";

/** What `latentweave verify` found. */
export interface Verification {
  readonly runId: string;
  readonly consistent: boolean;
  /** The first ones; `problemCount` says how many there are. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly state: string;
  /** False: the job has given up that its bits can be computed again. */
  readonly sameBits: boolean;
  /** Steps in effect, of the job's number. */
  readonly steps: number;
  /** Null when spec.json is not to be trusted. */
  readonly plannedSteps: number | null;
  /** The run ended before its steps were over, as held-out losses fell no further. */
  readonly endedEarly: boolean;
  /** Version that these steps come to. */
  readonly version: number;
  readonly microBatches: number;
  readonly samples: Readonly<Record<string, number>>;
  /** By task: steps in which it was paused, so that its micro-batches are recorded and were not applied. */
  readonly pausedSteps: Readonly<Record<string, number>>;
  /** Tree nodes that the record tells of, with worker and digest. */
  readonly nodes: number;
  readonly workers: readonly string[];
  readonly lines: number;
  readonly timelines: readonly TimelineRecord[];
  /** Commits that became void and were computed again. */
  readonly repeated: number;
  /** Contributions that came more than once and were dropped. */
  readonly duplicates: number;
  /** Versions whose digest the record has. */
  readonly digests: number;
  readonly checkpoints: readonly CheckedCheckpoint[];
}

/**
 * Checks that a run's record says exactly what its job planned: every planned micro-batch in exactly one commit in
 * effect, an unbroken chain, every checkpoint as it was sealed. Nothing in the folder changes. Whether the run still
 * goes on is for the caller to know.
 * @throws UserError when the folder is not whole or of another format
 */
export async function verifyRun(directory: string): Promise<Verification> {
  const problems = createProblems();
  const files = openRunFiles(directory, problems);
  const arithmetic = loadArithmetic();
  const spec = (await isTrusted(files)) ? files.spec : undefined;
  const layout = spec && createLayout(spec.groups);
  const ledger = await checkLedger({
    file: files.ledger,
    runId: files.runId,
    commits: spec && layout && createCommitCheck(spec, layout, arithmetic),
    ends: spec && earlyEnd(spec),
    guard: spec && createGuardCheck(spec),
    deals: spec && createDealCheck(spec),
    problems,
  });
  checkStarts(files, ledger, problems);
  const { runId } = files;
  const checkpoints = await checkCheckpoints({ directory, runId, layout, arithmetic, ledger, problems });
  const plannedSteps = spec ? lastStep(spec) + 1 : null;
  const ended = ledger.endedBy === undefined ? plannedSteps : ledger.endedBy + 1;
  checkEnd(files, ended, ledger, checkpoints, problems);
  return {
    runId: files.runId,
    consistent: problems.count === 0,
    problems: problems.list,
    problemCount: problems.count,
    state: String(files.state.state),
    sameBits: spec === undefined || keepsBits(spec),
    steps: ledger.nextStep,
    plannedSteps,
    endedEarly: ledger.endedBy !== undefined,
    version: ledger.version,
    microBatches: ledger.microBatches,
    samples: ledger.samples,
    pausedSteps: ledger.pausedSteps,
    nodes: ledger.nodes,
    workers: ledger.workers,
    lines: ledger.lines,
    timelines: ledger.timelines,
    repeated: ledger.repeated,
    duplicates: ledger.duplicates,
    digests: countDigests(ledger),
    checkpoints,
  };
}

/** Whether spec.json is the one that the run began with: otherwise nothing can be made of it. */
async function isTrusted({ ledger, runId, specDigest }: RunFiles): Promise<boolean> {
  try {
    for await (const { record } of readLedger(ledger, runId))
      if (record.kind === "start") return record.spec === specDigest;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
  return false;
}

function checkStarts(files: RunFiles, ledger: LedgerFacts, problems: Problems): void {
  if (ledger.starts.length === 0 && ledger.lines > 0)
    problems.add("ledger", "it does not say which spec.json it belongs to");
  if (ledger.starts.some(({ spec }) => spec !== files.specDigest))
    problems.add(
      "spec.json",
      "it is not the one that the run was started with; nothing can be compared with its plan",
    );
  // A run may go on with another launcher, so job.json may change; what it was is recorded each time.
  if (ledger.starts.length > 0 && !ledger.starts.some(({ job }) => job === files.jobDigest))
    problems.add("job.json", "it is none of those that the run was started with");
}

/** What run.json claims of the end. */
function checkEnd(
  { state }: RunFiles,
  plannedSteps: number | null,
  ledger: LedgerFacts,
  checkpoints: readonly CheckedCheckpoint[],
  problems: Problems,
): void {
  if (state.state === "finished" && plannedSteps !== null && ledger.nextStep !== plannedSteps)
    problems.add(
      "ledger",
      `the run is finished, but its record ends at step ${ledger.nextStep} of ${plannedSteps}`,
    );
  const version = state.hashVersion;
  if (typeof version !== "number" || version < 0) return;
  const durable = checkpoints.find((one) => one.version === version);
  if (!durable)
    problems.add(
      "checkpoints",
      `the checkpoint of version ${version}, which run.json names, is not whole or not there`,
    );
  else if (durable.hash !== state.hash)
    problems.add(
      "run.json",
      `its hash ${String(state.hash)} is not that of the checkpoint of version ${version}, ${durable.hash}`,
    );
}

function countDigests(ledger: LedgerFacts): number {
  return Array.from({ length: ledger.version + 1 }, (_, version) => ledger.digests.of(version)).filter(
    (digest) => digest !== undefined,
  ).length;
}
