import path from "node:path";
import {
  bestVersion,
  findRun,
  openLatestCheckpoint,
  readGuard,
  type RecordedGuard,
} from "@latentweave/checkpoint";
import {
  findPrepared,
  openPrepared,
  prepare,
  type PreparedReader,
  type PrepareOptions,
  type UserDatasets,
} from "@latentweave/datasets";
import type { ResolvedJob } from "@latentweave/job";
import type { TaskGraph } from "@latentweave/model";
import { createLayout, type ParameterLayout } from "@latentweave/parameters";
import { combinerOf } from "@latentweave/coordinator-engine";
import { averageSection, leaderDeals, type RunSpec } from "@latentweave/plan";
import { cacheDirectory, type Deal, type PreparedManifest, UserError } from "@latentweave/protocol";
import { readRunJob, readRunSpec } from "../runs/run-tables.ts";
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
  /** Where sampling is adaptive: what the tasks have of the step after it. */
  readonly deal?: Deal;
  /** What the guard had decided by then; null where the run has none. */
  readonly guard: readonly RecordedGuard[] | null;
}

/** A prepared data set is read once from front to back: one decoded shard at a time is enough. */
const readerCacheBytes = 8 * 2 ** 20;

/**
 * @param target a run as people name it, RUN@STEP for the checkpoint of that step, or RUN@best
 * @throws UserError when the run has no (such) whole checkpoint, or its data are gone and cannot be prepared again
 */
export async function openNamedRun(
  runsDirectory: string,
  target: string,
  log: (line: string) => void,
  options: OpenOptions = {},
): Promise<OpenedRun> {
  const [, run = target, step] = /^(.+)@(\d+|best)$/.exec(target) ?? [];
  const directory = findRun(runsDirectory, run);
  const isBest = step === "best" || (step === undefined && options.best === true);
  const version = isBest ? await requiredBest(directory, log) : step === undefined ? undefined : Number(step);
  return await openRun(directory, log, version, options.average === true ? averageSection : parameters);
}

export interface OpenOptions {
  /** Where no step is named: the checkpoint with the least held-out loss, in place of the newest. */
  readonly best?: boolean | undefined;
  /** The moving average of the weights, in place of the weights. */
  readonly average?: boolean | undefined;
}

/** @throws UserError where the run keeps none */
async function requiredBest(directory: string, log: (line: string) => void): Promise<number> {
  const best = await bestVersion(directory);
  if (!best)
    throw new UserError({
      what: "this run has no best checkpoint",
      where: directory,
      expected: "a run whose job has checkpoints: { best: true }, after its first evaluation",
      mend: `name a step, or see which there are: latentweave inspect ${path.basename(directory)}`,
    });
  log(
    `the best checkpoint is that of step ${best.version}, held-out loss ${Number(best.loss.toPrecision(6))}`,
  );
  return best.version;
}

const parameters = "parameters";

/**
 * @param version of the checkpoint; default: the newest
 * @param section which numbers are taken for the weights
 * @throws UserError when the run has no (such) whole checkpoint, or its data are gone and cannot be prepared again
 */
export async function openRun(
  directory: string,
  log: (line: string) => void,
  version?: number,
  section: string = parameters,
): Promise<OpenedRun> {
  const job = await readRunJob(directory);
  const spec = await readRunSpec(directory);
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
  if (!checkpoint.sections.includes(section))
    throw new UserError({
      what: "this run keeps no average of its weights",
      where: directory,
      expected: "a run whose job has average: { decay: 0.999 }",
      mend: "leave --average out",
    });
  const weights: Float32Array[] = [];
  for (const group of layout.groups) {
    const slice = { group: group.index, start: 0, numbers: group.numbers };
    const bytes = await checkpoint.read(section, slice);
    weights.push(new Float32Array(bytes.buffer, bytes.byteOffset, group.numbers));
  }
  const phase = spec.phases.length - 1;
  const graphs = spec.phases[phase]?.graphs ?? [];
  const guard = spec.guard ? await readGuard(directory, checkpoint.version) : null;
  const deal = leaderDeals(combinerOf(checkpoint)).find(({ from }) => from <= checkpoint.version);
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
    ...{ directory, job, spec, layout, phase, parameters: weights, tasks, guard },
    ...(deal && { deal }),
    version: checkpoint.version,
  };
}

async function openTask(
  directory: string,
  job: ResolvedJob,
  spec: RunSpec,
  name: string,
  log: (line: string) => void,
): Promise<Pick<OpenedTask, "name" | "manifest" | "reader">> {
  const { root, manifest } = await findData(directory, job, spec, name, log);
  const reader = openPrepared({
    manifest,
    location: { directory: path.join(root, manifest.dataHash) },
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
  spec: RunSpec,
  taskName: string,
  log: (line: string) => void,
): Promise<{ readonly root: string; readonly manifest: PreparedManifest }> {
  const dataHash = spec.tasks.find(({ name }) => name === taskName)?.dataHash ?? "";
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
    user: source.user && (await ownDatasets(spec)),
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

/** Of the extensions that the run was started with. */
async function ownDatasets({ userModule: text }: RunSpec): Promise<PrepareOptions["user"]> {
  if (text === null) return undefined;
  const { loadOwn } = await import("@latentweave/launch");
  return { text, datasets: (await loadOwn(text)).datasets as UserDatasets };
}
