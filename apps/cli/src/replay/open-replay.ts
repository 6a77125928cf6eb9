import path from "node:path";
import { loadArithmetic } from "@latentweave/arithmetic";
import {
  checkpointSource,
  type LedgerIndex,
  newestCheckpoint,
  openInitialWeights,
  openLedgerIndex,
  readTable,
  runIdOf,
} from "@latentweave/checkpoint";
import {
  type BackendName,
  canaryDigest,
  createThreadedCompute,
  type ThreadedCompute,
} from "@latentweave/compute";
import { combinerOf } from "@latentweave/coordinator-engine";
import type { ComputeModel } from "@latentweave/model";
import { createLayout, type ParameterLayout } from "@latentweave/parameters";
import { keepsBits, ownTasks, type RunSpec } from "@latentweave/plan";
import { type CheckpointSource, UserError } from "@latentweave/protocol";
import { openPreparedRows } from "@latentweave/worker-app";
import { createRowSource } from "@latentweave/worker-engine";
import { findData } from "../report/open-run.ts";
import { readRunJob, readRunSpec } from "../runs/run-tables.ts";
import { beginReplay, type Replay, type ReplayEngines } from "./replay-steps.ts";

/** A run on disk that can be computed again, on a device that computes the bits that its workers computed. */
export interface ReplayableRun {
  readonly directory: string;
  readonly runId: string;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly index: LedgerIndex;
  /** From the newest whole checkpoint that is not beyond `version`, or from fresh weights. */
  begin(version: number): Promise<Replay>;
  close(): Promise<void>;
}

/** @throws UserError when data or checkpoints are gone, or this machine is of another determinism class */
export async function openReplay(
  directory: string,
  options: {
    readonly backend?: BackendName;
    readonly log: (line: string) => void;
  },
): Promise<ReplayableRun> {
  const { log } = options;
  const spec = await readRunSpec(directory);
  if (!keepsBits(spec))
    throw new UserError({
      what: "the job has given the same bits up: what workers sent depended on what each had left out before, of which there is no record, so no step can be computed again",
      where: path.join(directory, "spec.json"),
      expected: "a job without compression.sameBits: false",
      mend: "`latentweave verify RUN`, without --recompute, checks that every micro-batch was applied exactly once",
    });
  const runId = await runIdOf(directory);
  const layout = createLayout(spec.groups);
  const locations = await findAllData(directory, spec, log);
  const index = await openLedgerIndex(directory, runId);
  const compute = await openCompute(spec, options.backend);
  const source = createRowSource(spec, async (task) =>
    openPreparedRows(task, { kind: "directory", at: locations }, "", undefined),
  );
  const engines: ReplayEngines = { runId, spec, layout, arithmetic: loadArithmetic(), compute, source };
  const close = async (): Promise<void> => {
    await source.close();
    await compute.close();
    await index.close();
  };
  try {
    await loadModel(engines, compute, await readTable(path.join(directory, "run.json")));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...{ directory, runId, spec, layout, index, close },
    async begin(version) {
      const from = await checkpointBefore(directory, layout, version, index, log);
      log(
        from && from.version > 0
          ? `from the checkpoint of step ${from.version}`
          : "from the beginning: no checkpoint is before it",
      );
      const commit = (step: number): ReturnType<LedgerIndex["commit"]> => index.commit(step);
      return await beginReplay({ ...engines, commit }, from, combinerOf(from));
    },
  };
}

async function checkpointBefore(
  directory: string,
  layout: ParameterLayout,
  version: number,
  index: LedgerIndex,
  log: (line: string) => void,
): Promise<CheckpointSource | undefined> {
  const passedOver = (line: string): void => {
    if (!line.endsWith(laterReason)) log(line);
  };
  const newest = await newestCheckpoint(path.join(directory, "checkpoints"), passedOver, {
    refuse: (one) => {
      if (one > version) return laterReason;
      return index.isSealed(one) ? undefined : "the record has no seal of it, or made it void";
    },
  });
  return newest ? await checkpointSource(newest, layout) : await openInitialWeights(directory, layout);
}

const laterReason = "it is later than what is wanted";

/** @returns the folder that holds the prepared data of all tasks */
async function findAllData(directory: string, spec: RunSpec, log: (line: string) => void): Promise<string> {
  const job = await readRunJob(directory);
  let root = "";
  for (const { name } of ownTasks(spec)) ({ root } = await findData(directory, job, spec, name, log));
  return root;
}

async function openCompute(spec: RunSpec, wanted: BackendName | undefined): Promise<ThreadedCompute> {
  const name = wanted ?? (spec.compute.backend as BackendName | null) ?? undefined;
  return await createThreadedCompute({
    backend: { threads: spec.compute.threads, ...(name === undefined ? {} : { name }) },
  });
}

/** Loads the run's model, after the canary has shown that this device computes what the run's workers computed. */
async function loadModel(
  { spec, layout }: ReplayEngines,
  compute: ThreadedCompute,
  state: Readonly<Record<string, unknown>> | null,
): Promise<void> {
  const model: ComputeModel = {
    layout,
    phases: spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs })),
    seed: spec.seed,
    ...(spec.userModule === null ? {} : { userModule: spec.userModule }),
  };
  const samples = new Map(spec.tasks.map(({ name, microBatch }) => [name, microBatch]));
  const digest = await canaryDigest(compute, model, (task) => samples.get(task) ?? 1);
  if (typeof state?.canary === "string" && state.canary !== digest)
    throw new UserError({
      what: "this machine does not compute the bits that the run's workers computed, so nothing would be shown by computing again",
      where: differences(state.determinismClass, compute.determinismClass),
      expected: `canary ${state.canary}, got ${digest}`,
      mend: "run it on a machine of the run's determinism class (run.json names it), or choose its --backend",
    });
  await compute.load(model);
}

function differences(run: unknown, own: Readonly<Record<string, string>>): string {
  const theirs = (typeof run === "object" && run !== null ? run : {}) as Readonly<Record<string, unknown>>;
  const named = Object.keys({ ...theirs, ...own }).filter((key) => theirs[key] !== own[key]);
  const texts = named.map((key) => `${key} was ${String(theirs[key])}, is ${String(own[key])}`);
  return texts.join("; ") || "determinism class";
}
