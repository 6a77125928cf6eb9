import type { LoadedBackend, Pca } from "@latentweave/compute";
import { sampleTask, type TaskSample } from "../../relatedness/latents.ts";
import { conflictRates, meanCosines } from "../../relatedness/gradient-matrix.ts";
import { ckaMatrix, type Matrix, mmdMatrix } from "../../relatedness/similarity.ts";
import { type GradientPoint, readGradientSeries } from "../gradient-series.ts";
import { loadModel } from "../load-model.ts";
import type { RunReport } from "../make-report.ts";
import type { OpenedRun } from "../open-run.ts";
import type { PictureBlock } from "../picture.ts";
import { pictureBlocks } from "../picture-blocks.ts";
import { type LatentMap, latentMap } from "./latent-map.ts";
import { readCurves, type TaskCurves } from "./loss-curves.ts";

/** Everything that a report of a run shows, whatever it is written as. */
export interface RunDocument {
  readonly report: RunReport;
  readonly name: string;
  readonly seed: number;
  readonly tasks: readonly string[];
  readonly phases: readonly { readonly name: string; readonly from: number }[];
  readonly curves: readonly TaskCurves[];
  readonly maps: readonly LatentMap[];
  readonly pictures: readonly PictureBlock[];
  readonly relatedness: RunRelatedness | null;
  /** What the guard decided; null where the run has none. */
  readonly guard: OpenedRun["guard"];
}

/** How the tasks of one run lie to each other; null: it has one task only. */
export interface RunRelatedness {
  readonly gradients: readonly GradientPoint[];
  readonly meanCosines: Matrix;
  readonly conflictRates: Matrix;
  readonly cka: Matrix;
  readonly squaredMmd: Matrix;
  /** Samples of each task that the two were taken of. */
  readonly samples: readonly number[];
}

/** Points in a map are told apart up to about so many; kernels cost their square. */
const mapSamples = 800;
const similaritySamples = 400;

export async function makeDocument(
  run: OpenedRun,
  fitted: { readonly report: RunReport; readonly pcas: ReadonlyMap<string, Pca> },
  backend: LoadedBackend,
): Promise<RunDocument> {
  const tasks = run.tasks.map(({ name }) => name);
  const compute = await loadModel(run, backend);
  try {
    const maps: LatentMap[] = [];
    const samples: TaskSample[] = [];
    for (const task of run.tasks) {
      const map = await latentMap(compute, run, await sampleTask(task, mapSamples), backend);
      if (map) maps.push(map);
      samples.push(await sampleTask(task, similaritySamples));
    }
    const gradients = await readGradientSeries(run.directory);
    return {
      report: fitted.report,
      name: run.job.name,
      seed: run.spec.seed,
      tasks,
      guard: run.guard,
      phases: run.spec.phases.map(({ name }, at) => ({
        name,
        from: run.spec.phases.slice(0, at).reduce((sum, { steps }) => sum + steps, 0),
      })),
      curves: await readCurves(
        run.directory,
        run.tasks.flatMap(({ name, alone }) => (alone ? [name, alone.task] : [name])),
      ),
      maps,
      pictures: await pictureBlocks([{ label: "learned", run }], fitted.pcas, backend),
      relatedness:
        tasks.length < 2
          ? null
          : {
              gradients,
              meanCosines: meanCosines(gradients, tasks.length),
              conflictRates: conflictRates(gradients, tasks.length),
              cka: await ckaMatrix(samples, () => ({ run, compute })),
              squaredMmd: await mmdMatrix(samples, { run, compute }),
              samples: samples.map(({ rows }) => rows),
            },
    };
  } finally {
    await compute.close();
  }
}

/** Without what only a picture can show. */
export function documentJson({ pictures, maps, ...rest }: RunDocument): unknown {
  return {
    ...rest,
    maps: maps.map(({ task, rows, explained, groups }) => ({
      ...{ task, rows, explained },
      groups: groups.map(({ label, points }) => ({ label, points: points.map((point) => point.map(short)) })),
    })),
    pictures: pictures.map(({ title, rows }) => ({ title, rows: rows.map(({ label }) => label) })),
  };
}

function short(value: number): number {
  return Number(value.toPrecision(5));
}
