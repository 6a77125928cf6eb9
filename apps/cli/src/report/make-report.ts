import {
  classifierAccuracy,
  fitLinearClassifier,
  fitPca,
  type LoadedBackend,
  momentsOf,
  type Pca,
  pcaError,
} from "@latentweave/compute";
import { type SplitName, UserError } from "@latentweave/protocol";
import { loadModel } from "./load-model.ts";
import { type Measured, measureModel } from "./measure-model.ts";
import type { OpenedRun, OpenedTask } from "./open-run.ts";
import { measuredSplit, readWhole, withLabels } from "./read-split.ts";

/** What one run makes of a task. */
export interface RunFigures extends Measured {
  readonly runId: string;
  readonly step: number;
}

export interface Baselines {
  /** null where the task reconstructs nothing. */
  readonly pca: {
    readonly components: number;
    /** Share of the training rows' variance that they keep. */
    readonly explained: number;
    readonly error: number;
  } | null;
  /** null where the data have no classes. */
  readonly linear: {
    readonly accuracy: number;
    readonly iterations: number;
    readonly converged: boolean;
  } | null;
}

export interface TaskReport {
  readonly task: string;
  readonly split: SplitName;
  readonly samples: number;
  readonly trainingRows: number;
  /** Where a guard has moved the task to its own branch: the step at which it did, and what it would be with the others. */
  readonly branched?: { readonly at: number; readonly shared: RunFigures };
  readonly together: RunFigures;
  /** The same task alone: the guard's baseline in this very run, and that of other runs that were named. */
  readonly alone: readonly RunFigures[];
  readonly baselines: Baselines | null;
}

export interface RunReport {
  readonly runId: string;
  readonly step: number;
  readonly backend: string;
  readonly tasks: readonly TaskReport[];
  readonly seconds: number;
}

/** A report with what was fitted for it. */
export interface FittedReport {
  readonly report: RunReport;
  /** By task. */
  readonly pcas: ReadonlyMap<string, Pca>;
}

export interface ReportOptions {
  readonly run: OpenedRun;
  /** Runs to compare with; each may have any of the tasks. */
  readonly alone: readonly OpenedRun[];
  readonly baselines: boolean;
  /** Default: test rows, or validation rows where there are none. */
  readonly split?: SplitName;
  /** For each sample, to estimate likelihoods; left out: none are. */
  readonly draws?: number;
  readonly backend: LoadedBackend;
  readonly log: (line: string) => void;
}

/** Measures a run's tasks on rows that were not trained on; every figure comes from this call. */
export async function makeReport(options: ReportOptions): Promise<FittedReport> {
  const { run, alone, backend, log } = options;
  const startMs = performance.now();
  const tasks: TaskReport[] = [];
  const pcas = new Map<string, Pca>();
  for (const task of run.tasks) {
    const split = measuredSplit(task, options.split);
    const rows = await readWhole(task, split);
    const figures = async (from: OpenedRun, own: OpenedTask): Promise<RunFigures> => {
      const compute = await loadModel(from, backend);
      try {
        const place = { phase: from.phase, graph: own.graph, width: task.manifest.x.width };
        return {
          runId: from.runId,
          step: from.version,
          ...(await measureModel(compute, place, rows, options.draws)),
        };
      } finally {
        await compute.close();
      }
    };
    const others: RunFigures[] = [];
    if (task.alone) {
      const baseline = await figures(run, { ...task, graph: task.alone });
      others.push({ ...baseline, runId: `${run.runId}, its baseline` });
    }
    for (const other of alone) {
      const same = other.tasks.find(({ name }) => name === task.name);
      if (same) others.push(await figures(other, requireSameData(same, task, other)));
    }
    const fitted = options.baselines ? await fitBaselines(run, task, rows, backend, log) : undefined;
    if (fitted?.pca) pcas.set(task.name, fitted.pca);
    tasks.push({
      task: task.name,
      split,
      samples: rows.rows,
      trainingRows: task.manifest.splits.train.rows,
      ...(task.branched && {
        branched: {
          at: task.branched.at,
          shared: await figures(run, { ...task, graph: task.branched.shared }),
        },
      }),
      together: await figures(run, task),
      alone: others,
      baselines: fitted?.baselines ?? null,
    });
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { report: { runId: run.runId, step: run.version, backend: backend.name, tasks, seconds }, pcas };
}

async function fitBaselines(
  run: OpenedRun,
  task: OpenedTask,
  measured: { readonly x: Float32Array; readonly y?: Int32Array | Float32Array },
  { tf }: LoadedBackend,
  log: (line: string) => void,
): Promise<{ readonly baselines: Baselines; readonly pca: Pca | undefined }> {
  const target = task.manifest.y;
  if (task.manifest.x.sparse) {
    log(`${task.name}: no baselines, because PCA and a linear classifier are fitted to all pairs of numbers`);
    return { pca: undefined, baselines: { pca: null, linear: null } };
  }
  const training = await readWhole(task, "train");
  const moments = momentsOf(tf, training.x, task.manifest.x.width);
  const components = latentNumbers(run, task);
  let pca: Pca | undefined;
  if (components !== undefined && task.graph.reconstruction !== undefined) {
    log(`${task.name}: fitting PCA with ${components} components to ${training.rows} samples`);
    pca = fitPca(moments, components);
  }
  let linear: Baselines["linear"] = null;
  // Of one class there is nothing to tell.
  if (
    target?.kind === "class" &&
    target.classes > 1 &&
    training.y instanceof Int32Array &&
    measured.y instanceof Int32Array
  ) {
    const rows = withLabels({ x: training.x, labels: training.y });
    const held = withLabels({ x: measured.x, labels: measured.y });
    if (rows.labels.length > 0 && held.labels.length > 0) {
      log(`${task.name}: fitting a linear classifier to ${rows.labels.length} samples`);
      const from = rows.x === training.x ? moments : momentsOf(tf, rows.x, task.manifest.x.width);
      const fitted = fitLinearClassifier(tf, rows, from, target.classes);
      const accuracy = classifierAccuracy(tf, fitted, held);
      linear = { accuracy, iterations: fitted.iterations, converged: fitted.converged };
    }
  }
  return {
    pca,
    baselines: {
      pca: pca
        ? {
            components: pca.components,
            explained: pca.explained,
            error: pcaError(tf, pca, measured.x),
          }
        : null,
      linear,
    },
  };
}

/** Numbers in the latent of a task; of its own autoencoder where a bank has taken over. */
export function latentNumbers(run: OpenedRun, task: OpenedTask): number | undefined {
  const graphs = [
    task.graph,
    ...run.spec.phases.flatMap(({ graphs: all }) => all.filter((graph) => graph.task === task.graph.task)),
  ];
  for (const graph of graphs) {
    const node = graph.nodes.find(({ id }) => id === graph.latent);
    if (node) return node.shape.reduce((product, size) => product * size, 1);
  }
  return undefined;
}

function requireSameData(other: OpenedTask, task: OpenedTask, run: OpenedRun): OpenedTask {
  if (other.manifest.dataHash === task.manifest.dataHash) return other;
  throw new UserError({
    what: `run ${run.runId} was trained on other data`,
    where: `task ${task.name}`,
    expected: `data with hash ${task.manifest.dataHash}`,
    mend: "compare runs of the same data",
  });
}
