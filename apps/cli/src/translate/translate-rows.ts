import type { LoadedBackend } from "@latentweave/compute";
import { type Compute, decoderGraph, decoderName } from "@latentweave/model";
import type { SplitName } from "@latentweave/protocol";
import { batchRows, inferRows } from "../report/infer-rows.ts";
import { loadModel } from "../report/load-model.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";
import { allRows } from "../report/read-split.ts";
import { latentOutput, type TranslationPair } from "./translation-pair.ts";

export interface SourceRows {
  readonly rows: number;
  /** [rows, width of the source] */
  readonly x: Float32Array;
}

/** The first rows of a task's split, in the manifest's order, at most so many; with targets where there are some. */
export async function firstRows(
  { manifest, reader }: OpenedTask,
  split: SplitName,
  most = Number.POSITIVE_INFINITY,
): Promise<SourceRows & { readonly y?: Int32Array | Float32Array }> {
  const refs = allRows(manifest, split).slice(0, most);
  return { rows: refs.length, ...(await reader.rows(split, refs)) };
}

/** The run's model, and beside it the target's way back by itself. Close it. */
export async function loadTranslation(
  run: OpenedRun,
  { to }: TranslationPair,
  backend: LoadedBackend,
): Promise<Compute> {
  return await loadModel(run, backend, [decoderGraph(to.graph)]);
}

/**
 * Source rows through the source's encoder and what tasks share, and from the latent back through the target's decoder.
 * The target's own part of a latent (`private-shared`) knows nothing of the source: it is the mean over the target's
 * training rows.
 * @returns [rows, width of the target]
 */
export async function translateRows(
  compute: Compute,
  run: OpenedRun,
  { from, to, sharedNumbers, latentNumbers }: TranslationPair,
  source: SourceRows,
): Promise<Float32Array> {
  const output = latentOutput(run, from);
  const latents = await inferRows(compute, output, source);
  const own =
    sharedNumbers === latentNumbers
      ? new Float64Array()
      : (await meanLatent(compute, run, to)).subarray(sharedNumbers);
  const entering = new Float32Array(source.rows * latentNumbers);
  for (let row = 0; row < source.rows; row++) {
    const start = row * output.numbers;
    entering.set(latents.subarray(start, start + sharedNumbers), row * latentNumbers);
    entering.set(own, row * latentNumbers + sharedNumbers);
  }
  const back = { phase: run.phase, task: decoderName(to.graph.task), output: "reconstruction" };
  return await inferRows(
    compute,
    { ...back, numbers: to.manifest.x.width },
    { rows: source.rows, x: entering },
  );
}

/** Over the training rows, some at a time: their latents are small, they themselves may not be. */
async function meanLatent(compute: Compute, run: OpenedRun, task: OpenedTask): Promise<Float64Array> {
  const output = latentOutput(run, task);
  const refs = allRows(task.manifest, "train");
  const sums = new Float64Array(output.numbers);
  for (let start = 0; start < refs.length; start += batchRows) {
    const some = refs.slice(start, start + batchRows);
    const { x } = await task.reader.rows("train", some, ["x"]);
    const latents = await inferRows(compute, output, { rows: some.length, x });
    for (const [at, value] of latents.entries())
      sums[at % sums.length] = (sums[at % sums.length] as number) + value / refs.length;
  }
  return sums;
}
