import type { LoadedBackend } from "@latentweave/compute";
import { UserError } from "@latentweave/protocol";
import { fitLinearClassifier } from "./linear-classifier.ts";
import { loadModel } from "./load-model.ts";
import { type Measured, measureModel } from "./measure-model.ts";
import type { OpenedRun, OpenedTask } from "./open-run.ts";
import { fitPca, pcaError } from "./pca.ts";
import { heldOutSplit, readWhole } from "./read-split.ts";

/** What one run makes of a task. */
export interface RunFigures extends Measured {
  readonly runId: string;
  readonly step: number;
}

export interface Baselines {
  /** null where the task reconstructs nothing. */
  readonly pca: { readonly components: number; readonly error: number } | null;
  /** null where the data have no classes. */
  readonly linear: {
    readonly accuracy: number;
    readonly trainingRows: number;
    readonly iterations: number;
    readonly converged: boolean;
  } | null;
}

export interface TaskReport {
  readonly task: string;
  readonly split: "test" | "validation" | "train";
  readonly samples: number;
  readonly trainingRows: number;
  readonly together: RunFigures;
  /** The same task in other runs, such as one that trained it alone. */
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

export interface ReportOptions {
  readonly run: OpenedRun;
  /** Runs to compare with; each may have any of the tasks. */
  readonly alone: readonly OpenedRun[];
  readonly baselines: boolean;
  readonly backend: LoadedBackend;
  readonly log: (line: string) => void;
}

/** Measures a run's tasks on rows that were not trained on; every figure comes from this call. */
export async function makeReport({ run, alone, baselines, backend, log }: ReportOptions): Promise<RunReport> {
  const startMs = performance.now();
  const tasks: TaskReport[] = [];
  for (const task of run.tasks) {
    const split = heldOutSplit(task.manifest) ?? "train";
    const rows = await readWhole(task, split);
    const figures = async (from: OpenedRun, own: OpenedTask): Promise<RunFigures> => {
      const compute = await loadModel(from, backend);
      try {
        const place = { phase: from.phase, graph: own.graph, width: task.manifest.x.width };
        return { runId: from.runId, step: from.version, ...(await measureModel(compute, place, rows)) };
      } finally {
        await compute.close();
      }
    };
    const others: RunFigures[] = [];
    for (const other of alone) {
      const same = other.tasks.find(({ name }) => name === task.name);
      if (same) others.push(await figures(other, requireSameData(same, task, other)));
    }
    tasks.push({
      task: task.name,
      split,
      samples: rows.rows,
      trainingRows: task.manifest.splits.train.rows,
      together: await figures(run, task),
      alone: others,
      baselines: baselines ? await measureBaselines(run, task, rows, backend, log) : null,
    });
  }
  return {
    runId: run.runId,
    step: run.version,
    backend: backend.name,
    tasks,
    seconds: (performance.now() - startMs) / 1000,
  };
}

async function measureBaselines(
  run: OpenedRun,
  task: OpenedTask,
  test: { readonly x: Float32Array; readonly y?: Int32Array | Float32Array; readonly rows: number },
  { tf }: LoadedBackend,
  log: (line: string) => void,
): Promise<Baselines> {
  const { width } = task.manifest.x;
  const target = task.manifest.y;
  const training = await readWhole(task, "train");
  const components = latentNumbers(run, task);
  let pca: Baselines["pca"] = null;
  if (components !== undefined && task.graph.reconstruction !== undefined) {
    log(`${task.name}: fitting PCA with ${components} components to ${training.rows} samples`);
    const fitted = fitPca(tf, training.x, width, components);
    pca = { components: fitted.components, error: pcaError(tf, fitted, test.x) };
  }
  let linear: Baselines["linear"] = null;
  if (target?.kind === "class" && training.y instanceof Int32Array && test.y instanceof Int32Array) {
    log(`${task.name}: fitting a linear classifier to ${training.rows} samples`);
    linear = fitLinearClassifier(
      tf,
      { x: training.x, y: training.y },
      { x: test.x, y: test.y },
      target.classes,
    );
  }
  return { pca, linear };
}

/** Numbers in the latent of a task; of its own autoencoder where a bank has taken over. */
export function latentNumbers(run: OpenedRun, task: OpenedTask): number | undefined {
  const graphs = [
    task.graph,
    ...run.spec.phases.flatMap(({ graphs: all }) => all.filter((graph) => graph.task === task.name)),
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
