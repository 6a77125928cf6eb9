import {
  columnMeans,
  fitLinearMap,
  linearMapError,
  type LoadedBackend,
  momentsOf,
} from "@latentweave/compute";
import type { Compute } from "@latentweave/model";
import { type SplitName, UserError } from "@latentweave/protocol";
import { inferRows } from "../report/infer-rows.ts";
import type { OpenedRun } from "../report/open-run.ts";
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

/** Rows of the same places: the source's, what became of them, [rows, width of the target], and the target's own. */
export interface PairedRows {
  readonly source: SourceRows;
  readonly translated: Float32Array;
  readonly target: Float32Array;
}

export async function pairedErrors(
  compute: Compute,
  run: OpenedRun,
  { from, to }: TranslationPair,
  { source, translated, target }: PairedRows,
  { tf }: LoadedBackend,
  log: (line: string) => void,
): Promise<PairedErrors> {
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
    leastSquares = linearMapError(tf, map, source.x, target);
  }
  const means = columnMeans(trainingTarget, width);
  const own = { phase: run.phase, task: to.graph.task, output: "reconstruction", numbers: width };
  const back = await inferRows(compute, own, { rows: source.rows, x: target });
  return {
    translation: meanSquare(target, (at) => translated[at] as number),
    mean: meanSquare(target, (at) => means[at % width] as number),
    leastSquares,
    reconstruction: meanSquare(target, (at) => back[at] as number),
  };
}

function meanSquare(target: Float32Array, guess: (at: number) => number): number {
  let sum = 0;
  for (const [at, value] of target.entries()) sum += (guess(at) - value) ** 2;
  return sum / target.length;
}
