import path from "node:path";
import {
  findRun,
  openLatestCheckpoint,
  readGuard,
  readTable,
  type RecordedGuard,
} from "@latentweave/checkpoint";
import { findPrepared, openPrepared, type PreparedReader, prepare } from "@latentweave/datasets";
import { type ResolvedJob, resolveJob } from "@latentweave/job";
import type { TaskGraph } from "@latentweave/model";
import { createLayout, type ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { cacheDirectory, type PreparedManifest, UserError } from "@latentweave/protocol";
import { readOrigin } from "../train/origin.ts";

/** One task of a run, with its data. */
export interface OpenedTask {
  readonly name: string;
  /**
   * Of the run's last phase, whose weights the checkpoint holds; its baseline's where the guard has moved the task to its
   * own branch. `graph.task` is what a model knows it by.
   */
  readonly graph: TaskGraph;
  /** Where the run has a guard: the same task alone, in the same run. */
  readonly alone?: TaskGraph;
  /** Where it has left the others for its branch: the step at which it did, and what the others still share with it. */
  readonly branched?: { readonly at: number; readonly shared: TaskGraph };
  readonly manifest: PreparedManifest;
  readonly reader: PreparedReader;
}

/** A run as it lies on disk, ready to be loaded onto a device. */
export interface OpenedRun {
  readonly runId: string;
  readonly directory: string;
  readonly job: ResolvedJob;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  /** Index of the last phase. */
  readonly phase: number;
  /** Of the weights. */
  readonly version: number;
  /** One array per parameter group, in layout order. */
  readonly parameters: readonly Float32Array[];
  /** Without baselines. */
  readonly tasks: readonly OpenedTask[];
  /** What the guard had decided by then; null where the run has none. */
  readonly guard: readonly RecordedGuard[] | null;
}

/** A prepared data set is read once from front to back: one decoded shard at a time is enough. */
const readerCacheBytes = 8 * 2 ** 20;

/**
 * @param target a run as people name it, or RUN@STEP for the checkpoint of that step
 * @throws UserError when the run has no (such) whole checkpoint, or its data are gone and cannot be prepared again
 */
export async function openNamedRun(
  runsDirectory: string,
  target: string,
  log: (line: string) => void,
): Promise<OpenedRun> {
  const [, run = target, step] = /^(.+)@(\d+)$/.exec(target) ?? [];
  return await openRun(findRun(runsDirectory, run), log, step === undefined ? undefined : Number(step));
}

/**
 * @param version of the checkpoint; default: the newest
 * @throws UserError when the run has no (such) whole checkpoint, or its data are gone and cannot be prepared again
 */
export async function openRun(
  directory: string,
  log: (line: string) => void,
  version?: number,
): Promise<OpenedRun> {
  const job = resolveJob(await requiredTable(directory, "job.json"), path.join(directory, "job.json"));
  const spec = (await requiredTable(directory, "spec.json")) as unknown as RunSpec;
  const layout = createLayout(spec.groups);
  const checkpoint = await openLatestCheckpoint({
    ...{ directory, layout, log },
    ...(version === undefined ? {} : { version }),
  });
  if (!checkpoint)
    throw new UserError({
      what:
        version === undefined
          ? "this run has no whole checkpoint yet"
          : `this run has no whole checkpoint of step ${version}`,
      where: directory,
      mend:
        version === undefined
          ? "let it reach its first one, or continue it with --resume"
          : `see which there are: latentweave inspect ${path.basename(directory)}`,
    });
  const parameters: Float32Array[] = [];
  for (const group of layout.groups) {
    const slice = { group: group.index, start: 0, numbers: group.numbers };
    const bytes = await checkpoint.read("parameters", slice);
    parameters.push(new Float32Array(bytes.buffer, bytes.byteOffset, group.numbers));
  }
  const phase = spec.phases.length - 1;
  const graphs = spec.phases[phase]?.graphs ?? [];
  const guard = spec.guard ? await readGuard(directory, checkpoint.version) : null;
  const tasks: OpenedTask[] = [];
  for (const graph of graphs.filter(({ baselineOf }) => baselineOf === undefined)) {
    const alone = graphs.find(({ baselineOf }) => baselineOf === graph.task);
    const branchedAt = guard?.find((one) => one.task === graph.task && one.action === "branch")?.step;
    tasks.push({
      ...(await openTask(directory, job, spec, graph.task, log)),
      ...(alone && { alone }),
      ...(branchedAt !== undefined && alone
        ? { graph: alone, branched: { at: branchedAt, shared: graph } }
        : { graph }),
    });
  }
  return {
    runId: path.basename(directory),
    ...{ directory, job, spec, layout, phase, parameters, tasks, guard },
    version: checkpoint.version,
  };
}

/** What a run's model knows a task by: its baseline's name where it has a branch of its own. */
export function computedAs(run: Pick<OpenedRun, "tasks">, task: string): string {
  return run.tasks.find(({ name }) => name === task)?.graph.task ?? task;
}

async function openTask(
  directory: string,
  job: ResolvedJob,
  spec: RunSpec,
  name: string,
  log: (line: string) => void,
): Promise<Pick<OpenedTask, "name" | "manifest" | "reader">> {
  const dataHash = spec.tasks.find((task) => task.name === name)?.dataHash ?? "";
  const { root, manifest } = await findData(directory, job, name, dataHash, log);
  const reader = openPrepared({
    manifest,
    location: { directory: path.join(root, dataHash) },
    cacheBytes: readerCacheBytes,
  });
  return { name, manifest, reader };
}

/**
 * The prepared data of a run's task, made again where they are gone.
 * @returns the folder that holds prepared data, and their manifest
 * @throws UserError when their source is not what it was
 */
export async function findData(
  directory: string,
  job: ResolvedJob,
  taskName: string,
  dataHash: string,
  log: (line: string) => void,
): Promise<{ readonly root: string; readonly manifest: PreparedManifest }> {
  const root = path.join(cacheDirectory(process.env), "prepared");
  const found = await findPrepared(root, dataHash);
  if (found) return { root, manifest: found };
  const source = job.tasks[taskName]?.data;
  if (!source) throw new RangeError(`job.json has no task "${taskName}"`);
  const { jobDirectory } = await readOrigin(directory);
  const manifest = await prepare(source, {
    taskName,
    baseDirectory: jobDirectory,
    cacheDirectory: cacheDirectory(process.env),
    log,
  });
  if (manifest.dataHash === dataHash) return { root, manifest };
  throw new UserError({
    what: "the data are no longer those that the run was trained on",
    where: `task ${taskName}`,
    expected: `data with hash ${dataHash}`,
    mend: "bring the files back, or train anew",
  });
}

/** @throws UserError when the file is not there or damaged */
export async function requiredTable(
  directory: string,
  file: string,
): Promise<Readonly<Record<string, unknown>>> {
  const table = await readTable(path.join(directory, file));
  if (table) return table;
  throw new UserError({
    what: `this run has no ${file}`,
    where: directory,
    mend: "name a run that `latentweave train` made",
  });
}
