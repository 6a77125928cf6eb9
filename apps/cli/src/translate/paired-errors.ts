import { fitLinearMap, linearMapError, type LoadedBackend, momentsOf } from "@latentweave/compute";
import { type SplitName, UserError } from "@latentweave/protocol";
import { inferRows } from "../report/infer-rows.ts";
import { loadModel } from "../report/load-model.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";
import { firstRows, type SourceRows } from "./translate-rows.ts";
import type { TranslationPair } from "./translation-pair.ts";

/** Mean squared errors per number, against the target's rows of the same places. */
export interface PairedErrors {
  readonly translation: number;
  /** Of the mean of the target's training rows. */
  readonly mean: number;
  /** Of the best affine map from source to target, fitted to paired training rows; null where the source is too wide. */
  readonly leastSquares: number | null;
  /** Of the target's own rows through its own encoder and decoder: what the decoder can do at all. */
  readonly reconstruction: number;
}

/** Numbers of a source row up to which a map is fitted: an image of 32 × 32 in colours. Beyond, its cube takes minutes. */
const widestSource = 3_072;

/** @throws UserError where the two tasks' rows cannot be pairs */
export function checkPaired({ from, to }: TranslationPair, split: SplitName): void {
  for (const name of new Set<SplitName>([split, "train"])) {
    const [source, target] = [from.manifest.splits[name].rows, to.manifest.splits[name].rows];
    if (source !== target)
      throw new UserError({
        where: "--paired",
        what: `"${from.name}" has ${source} ${name} rows, and "${to.name}" has ${target}`,
        expected: "as many rows in both, row by row the same things",
        mend: "give both tasks' data the same rows in the same order, and the same split, or leave --paired out",
      });
  }
}

/** @param translated [rows, width of the target]: what became of these source rows */
export async function pairedErrors(
  run: OpenedRun,
  pair: TranslationPair,
  rows: { readonly split: SplitName; readonly source: SourceRows; readonly translated: Float32Array },
  backend: LoadedBackend,
  log: (line: string) => void,
): Promise<PairedErrors> {
  const { from, to } = pair;
  const { tf } = backend;
  const target = (await firstRows(to, rows.split, rows.source.rows)).x;
  const trainingTarget = (await firstRows(to, "train")).x;
  const { width } = to.manifest.x;
  let leastSquares: number | null = null;
  if (from.manifest.x.width > widestSource)
    log(`no least squares: rows of ${from.manifest.x.width} numbers are too wide (at most ${widestSource})`);
  else {
    const training = await firstRows(from, "train");
    log(`fitting least squares to ${training.rows} pairs of training rows`);
    const moments = momentsOf(tf, training.x, from.manifest.x.width);
    const map = fitLinearMap(tf, training.x, trainingTarget, moments);
    leastSquares = linearMapError(tf, map, rows.source.x, target);
  }
  return {
    translation: meanSquare(target, (at) => rows.translated[at] as number),
    mean: meanSquare(target, ofColumns(columnMeans(trainingTarget, width))),
    leastSquares,
    reconstruction: await reconstructionError(run, to, target, backend),
  };
}

async function reconstructionError(
  run: OpenedRun,
  { graph, manifest }: OpenedTask,
  target: Float32Array,
  backend: LoadedBackend,
): Promise<number> {
  const { width } = manifest.x;
  const compute = await loadModel(run, backend);
  try {
    const place = { phase: run.phase, task: graph.task, output: "reconstruction", numbers: width };
    const back = await inferRows(compute, place, { rows: target.length / width, x: target });
    return meanSquare(target, (at) => back[at] as number);
  } finally {
    await compute.close();
  }
}

function columnMeans(x: Float32Array, width: number): Float64Array {
  const means = new Float64Array(width);
  for (const [at, value] of x.entries())
    means[at % width] = (means[at % width] as number) + (value * width) / x.length;
  return means;
}

const ofColumns =
  (means: Float64Array) =>
  (at: number): number =>
    means[at % means.length] as number;

function meanSquare(target: Float32Array, guess: (at: number) => number): number {
  let sum = 0;
  for (const [at, value] of target.entries()) sum += (guess(at) - value) ** 2;
  return sum / target.length;
}
