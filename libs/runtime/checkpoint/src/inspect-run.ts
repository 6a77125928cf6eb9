import { readFile } from "node:fs/promises";
import path from "node:path";
import { type BestVersion, type CommitRecord, type PausedTask, UserError } from "@latentweave/protocol";
import { bestVersion } from "./best-marks.ts";
import { listCheckpoints } from "./checkpoint-directory.ts";
import { verifyCheckpoint } from "./checkpoint-reader.ts";
import { diskError, errorCode } from "./disk-error.ts";
import { type CommitEntry, ledgerFile, LedgerError, readCommits } from "./read-ledger.ts";
import { type Manifest } from "./manifest.ts";
import { openSafetensors } from "./safetensors-file.ts";
import { tensorStatistics, type TensorStatistics } from "./tensor-statistics.ts";

export interface TensorInspection extends TensorStatistics {
  readonly name: string;
  readonly group: string;
  readonly tasks: readonly string[];
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly numbers: number;
}

export interface CheckpointInspection {
  readonly version: number;
  readonly directory: string;
  readonly whole: boolean;
  /** Why it is not whole. */
  readonly reason: string | null;
  readonly hash: string | null;
  readonly merkleRoot: string | null;
  readonly bytes: number;
  readonly sections: readonly string[];
}

export interface LedgerInspection {
  /** In effect: a step that was computed again counts once. */
  readonly commits: number;
  readonly lastStep: number | null;
  readonly samples: Readonly<Record<string, number>>;
  /** Tasks that were paused because their numbers were not finite, each pause once. */
  readonly pauses: readonly PausedTask[];
  /** What the do-no-harm guard decided, in order; empty where it did nothing, or there is none. */
  readonly guard: readonly RecordedGuard[];
  /** Where the chain breaks, or null. */
  readonly damage: string | null;
}

/** One decision of the guard: docs/guard.md. */
export type RecordedGuard = NonNullable<CommitRecord["guard"]>[number] & { readonly step: number };

/** What a run has learned about how its tasks hang together. */
export interface RelationInspection {
  /** What is related: `encoder`, `decoder` or `head/NAME`. */
  readonly family: string;
  /** The regulariser that learned it. */
  readonly omega: string;
  readonly tasks: readonly string[];
  /** As learned, T×T: `mtrl`'s covariance Ω, `clustered`'s M. */
  readonly matrix: readonly (readonly number[])[];
  /** The same with ones on the diagonal: matrix[i][j] / √(matrix[i][i]·matrix[j][j]); 0 where a task has none. */
  readonly correlation: readonly (readonly number[])[];
}

/** A run as it lies on disk. */
export interface RunInspection {
  readonly directory: string;
  /** run.json: state, versions, determinism class, hash; null when the run has not got that far. */
  readonly run: Readonly<Record<string, unknown>> | null;
  /** job.json: the resolved job. */
  readonly job: Readonly<Record<string, unknown>> | null;
  /** Newest first. */
  readonly checkpoints: readonly CheckpointInspection[];
  /** Of those, the one with the least held-out loss; null where the job keeps none. */
  readonly best: BestVersion | null;
  readonly ledger: LedgerInspection;
  /** Parameters of the newest whole checkpoint, in the model's order. */
  readonly tensors: readonly TensorInspection[];
  /** Of the same checkpoint; empty where nothing is learned. */
  readonly relations: readonly RelationInspection[];
}

/** Reads and verifies everything; nothing is changed. @throws UserError when a JSON file is damaged or unreadable. */
export async function inspectRun(directory: string): Promise<RunInspection> {
  const checkpoints: CheckpointInspection[] = [];
  let newest: { readonly directory: string; readonly manifest: Manifest } | undefined;
  for (const stored of await listCheckpoints(path.join(directory, "checkpoints"))) {
    const verification = await verifyCheckpoint(stored.directory);
    const manifest = verification.kind === "whole" ? verification.manifest : undefined;
    if (manifest) newest ??= { directory: stored.directory, manifest };
    checkpoints.push({
      ...stored,
      whole: manifest !== undefined,
      reason: verification.kind === "damaged" ? verification.reason : null,
      hash: manifest?.hash ?? null,
      merkleRoot: manifest?.merkleRoot ?? null,
      bytes: Object.values(manifest?.files ?? {}).reduce((sum, file) => sum + file.bytes, 0),
      sections: manifest?.sections ?? [],
    });
  }
  return {
    directory,
    run: await readTable(path.join(directory, "run.json")),
    job: await readTable(path.join(directory, "job.json")),
    checkpoints,
    best: (await bestVersion(directory)) ?? null,
    ledger: await inspectLedger(directory),
    tensors: newest ? await inspectTensors(newest.directory, newest.manifest) : [],
    relations: newest ? await inspectRelations(newest.directory, newest.manifest) : [],
  };
}

async function inspectTensors(directory: string, manifest: Manifest): Promise<TensorInspection[]> {
  const file = await openSafetensors(path.join(directory, "parameters.safetensors"));
  try {
    const stored = new Map(file.header.tensors.map((tensor) => [tensor.name, tensor]));
    const inspections: TensorInspection[] = [];
    for (const group of manifest.groups)
      for (const { name } of group.tensors) {
        const tensor = stored.get(name);
        if (!tensor) continue;
        inspections.push({
          name,
          group: group.name,
          tasks: group.tasks,
          dtype: tensor.dtype,
          shape: tensor.shape,
          numbers: tensor.bytes / 4,
          ...(await tensorStatistics(file, tensor)),
        });
      }
    return inspections;
  } finally {
    await file.close();
  }
}

/** Groups that no task reads hold what the server learned about tasks: `omega/FAMILY`, with one tensor. */
async function inspectRelations(directory: string, manifest: Manifest): Promise<RelationInspection[]> {
  const learned = manifest.groups.filter(
    ({ name, tasks }) => tasks.length === 0 && name.startsWith("omega/"),
  );
  if (learned.length === 0) return [];
  const file = await openSafetensors(path.join(directory, "parameters.safetensors"));
  try {
    const relations: RelationInspection[] = [];
    for (const { name, tensors } of learned) {
      const family = name.slice("omega/".length);
      const tensor = file.header.tensors.find((stored) => stored.name === tensors[0]?.name);
      if (!tensor) continue;
      const values = await file.readFloat32(tensor);
      const size = Math.sqrt(values.length);
      const matrix = Array.from({ length: size }, (_, row) => [
        ...values.subarray(row * size, (row + 1) * size),
      ]);
      relations.push({
        family,
        omega: tensor.name.slice(name.length + 1),
        tasks: manifest.groups
          .filter((group) => group.tasks.length === 1 && group.name === `${group.tasks[0] ?? ""}/${family}`)
          .flatMap((group) => group.tasks),
        matrix,
        correlation: correlationOf(matrix),
      });
    }
    return relations;
  } finally {
    await file.close();
  }
}

function correlationOf(matrix: readonly (readonly number[])[]): number[][] {
  const roots = matrix.map((row, task) => Math.sqrt(Math.max(0, row[task] ?? 0)));
  return matrix.map((row, a) =>
    row.map((value, b) => {
      const scale = (roots[a] ?? 0) * (roots[b] ?? 0);
      if (a === b) return 1;
      return scale > 0 ? value / scale : 0;
    }),
  );
}

async function inspectLedger(directory: string): Promise<LedgerInspection> {
  const samples: Record<string, number> = {};
  const pauses: PausedTask[] = [];
  const guard: RecordedGuard[] = [];
  let commits = 0;
  let lastStep: number | null = null;
  let damage: string | null = null;
  try {
    for await (const { record } of commitsOf(directory)) {
      commits += 1;
      lastStep = record.step;
      const { paused = [] } = record;
      guard.push(...decisionsOf(record));
      pauses.push(...paused.filter(({ since }) => since === record.step));
      for (const { task, samples: count } of record.tasks)
        if (!paused.some((one) => one.task === task)) samples[task] = (samples[task] ?? 0) + count;
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    damage = error.summary;
  }
  return { commits, lastStep, samples, pauses, guard, damage };
}

/** The checked commits in effect of a run. */
export async function* commitsOf(directory: string): AsyncGenerator<CommitEntry> {
  yield* readCommits(ledgerFile(directory), await runIdOf(directory));
}

/** What the guard decided up to this step. */
export async function readGuard(directory: string, lastStep: number): Promise<readonly RecordedGuard[]> {
  const guard: RecordedGuard[] = [];
  for await (const { record } of commitsOf(directory))
    if (record.step <= lastStep) guard.push(...decisionsOf(record));
  return guard;
}

function decisionsOf({ step, guard = [] }: CommitRecord): RecordedGuard[] {
  return guard.map((decision) => ({ step, ...decision }));
}

/** A run's id, which its folder may no longer have as its name. */
export async function runIdOf(directory: string): Promise<string> {
  const runId = (await readTable(path.join(directory, "run.json")))?.runId;
  return typeof runId === "string" ? runId : path.basename(path.resolve(directory));
}

/** A JSON object from a file; null when the file is not there. @throws UserError when it is something else. */
export async function readTable(file: string): Promise<Readonly<Record<string, unknown>> | null> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw diskError(error, file);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>;
  } catch {
    // told below
  }
  throw new UserError({
    what: "this file is damaged",
    where: file,
    expected: "a JSON object",
    mend: "restore it from a copy, or start a new run with another --run-id",
  });
}
