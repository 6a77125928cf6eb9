import type { LoadedBackend } from "@latentweave/compute";
import { type Compute, decoderGraph, decoderName } from "@latentweave/model";
import type { SplitName } from "@latentweave/protocol";
import { batchRows, inferRows } from "../report/infer-rows.ts";
import { loadModel } from "../report/load-model.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";
import { allRows } from "../report/read-split.ts";
import type { TranslationPair } from "./translation-pair.ts";

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

/**
 * Source rows through the source's encoder and what tasks share, and from the latent back through the target's decoder.
 * The target's own part of a latent (`private-shared`) knows nothing of the source: it is the mean over the target's
 * training rows.
 * @returns [rows, width of the target]
 */
export async function translateRows(
  run: OpenedRun,
  { from, to, sharedNumbers, latentNumbers }: TranslationPair,
  source: SourceRows,
  backend: LoadedBackend,
): Promise<Float32Array> {
  const compute = await loadModel(run, backend, [decoderGraph(to.graph)]);
  try {
    const latents = await latentsOf(compute, run, from, source);
    const sourceNumbers = latents.length / source.rows;
    const own =
      sharedNumbers === latentNumbers
        ? new Float64Array()
        : (await meanLatent(compute, run, to, latentNumbers)).subarray(sharedNumbers);
    const entering = new Float32Array(source.rows * latentNumbers);
    for (let row = 0; row < source.rows; row++) {
      const start = row * sourceNumbers;
      entering.set(latents.subarray(start, start + sharedNumbers), row * latentNumbers);
      entering.set(own, row * latentNumbers + sharedNumbers);
    }
    const place = { phase: run.phase, task: decoderName(to.graph.task), output: "reconstruction" };
    const numbers = to.manifest.x.width;
    return await inferRows(compute, { ...place, numbers }, { rows: source.rows, x: entering });
  } finally {
    await compute.close();
  }
}

async function latentsOf(
  compute: Compute,
  { phase }: OpenedRun,
  { graph }: OpenedTask,
  rows: SourceRows,
): Promise<Float32Array> {
  const shape = graph.nodes.find(({ id }) => id === graph.latent)?.shape ?? [];
  const numbers = shape.reduce((product, size) => product * size, 1);
  return await inferRows(compute, { phase, task: graph.task, output: "latent", numbers }, rows);
}

/** Over the training rows, some at a time: their latents are small, they themselves may not be. */
async function meanLatent(
  compute: Compute,
  run: OpenedRun,
  task: OpenedTask,
  numbers: number,
): Promise<Float64Array> {
  const refs = allRows(task.manifest, "train");
  const sums = new Float64Array(numbers);
  for (let start = 0; start < refs.length; start += batchRows) {
    const some = refs.slice(start, start + batchRows);
    const { x } = await task.reader.rows("train", some, ["x"]);
    const latents = await latentsOf(compute, run, task, { rows: some.length, x });
    for (const [at, value] of latents.entries())
      sums[at % numbers] = (sums[at % numbers] as number) + value / refs.length;
  }
  return sums;
}
