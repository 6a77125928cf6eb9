import { readFile } from "node:fs/promises";
import path from "node:path";
import type { FaultPlan } from "@latentweave/faults";
import { type FaultFolder, readComputed, readJournal } from "@latentweave/faults";
import { readdir } from "node:fs/promises";
import type { RunSpec } from "@latentweave/plan";
import { type AppliedSamples, checkLedger } from "./check-ledger.ts";
import type { Certificate, RunSummary } from "./certificate.ts";
import { findProblems } from "./find-problems.ts";
import { measureFaults } from "./measure-faults.ts";

export interface CertificateInput {
  readonly job: string;
  readonly planName: string;
  readonly plan: FaultPlan;
  readonly folder: FaultFolder;
  readonly steps: number;
  readonly workers: number;
  readonly shards: number;
  readonly undisturbed: RunSummary;
  readonly disturbed: RunSummary;
  readonly means: readonly string[];
  /** When the disturbed run began, milliseconds since 1970. */
  readonly startMs: number;
}

/** From what the runs left on disk: their records, their parameters, and what was noted while faults struck. */
export async function makeCertificate(input: CertificateInput): Promise<Certificate> {
  const { undisturbed, disturbed, plan, folder } = input;
  const samples = await samplesOf(disturbed);
  const measured = measureFaults(
    plan.faults,
    readJournal(folder.journal),
    await computedLines(folder),
    samples.duplicates,
    input.startMs,
  );
  const problems = findProblems(undisturbed, disturbed, samples, measured.faults);
  const { planned, applied, lost, appliedTwice } = samples;
  return {
    format: 1,
    green: problems.length === 0,
    problems,
    job: input.job,
    plan: input.planName,
    steps: input.steps,
    workers: input.workers,
    shards: input.shards,
    means: input.means,
    undisturbed,
    disturbed,
    faults: measured.faults,
    samples: { planned, applied, lost, appliedTwice },
    totals: measured.totals,
    commits: measured.commits,
  };
}

async function samplesOf({ directory, runId }: RunSummary): Promise<AppliedSamples> {
  const spec = JSON.parse(await readFile(path.join(directory, "spec.json"), "utf8")) as RunSpec;
  const file = path.join(directory, "ledger", "commits.jsonl");
  return checkLedger(file, runId, spec).catch((error: unknown) => ({
    ...{ planned: 0, applied: 0, lost: 0, appliedTwice: 0, duplicates: new Map<number, number>() },
    problems: [`the record cannot be read: ${error instanceof Error ? error.message : String(error)}`],
  }));
}

async function computedLines(folder: FaultFolder) {
  const names = await readdir(folder.directory);
  return names
    .filter((name) => name.startsWith("computed-"))
    .flatMap((name) => readComputed(path.join(folder.directory, name)));
}
