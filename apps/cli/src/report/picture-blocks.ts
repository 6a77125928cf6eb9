import { type LoadedBackend, type Pca, reconstructWithPca } from "@latentweave/compute";
import type { PreparedRow } from "@latentweave/datasets";
import { loadModel } from "./load-model.ts";
import type { OpenedRun, OpenedTask } from "./open-run.ts";
import type { PictureBlock } from "./picture.ts";
import { allRows, heldOutSplit } from "./read-split.ts";

/** Samples in a row: fits a page at four times the size of 28 by 28 images. */
const columns = 10;
/** Rows that are looked through for one sample of each class. */
const candidates = 500;

/** What to draw for every task whose samples are images: originals, then what each run makes of them. */
export async function pictureBlocks(
  runs: readonly { readonly label: string; readonly run: OpenedRun }[],
  pcas: ReadonlyMap<string, Pca>,
  backend: LoadedBackend,
): Promise<readonly PictureBlock[]> {
  const blocks: PictureBlock[] = [];
  for (const task of runs[0]?.run.tasks ?? []) {
    const shape = imageShape(task);
    if (!shape || task.graph.reconstruction === undefined) continue;
    const originals = await pickSamples(task);
    const rows = [{ label: "original", images: originals }];
    for (const { label, run } of runs) {
      const own = run.tasks.find(({ name }) => name === task.name);
      if (own) rows.push({ label, images: await reconstruct(run, own, originals, backend) });
    }
    const pca = pcas.get(task.name);
    if (pca) {
      const images = split(reconstructWithPca(backend.tf, pca, joined(originals)), originals.length);
      rows.push({ label: `PCA ${pca.components}`, images });
    }
    blocks.push({ title: task.name, ...shape, rows });
  }
  return blocks;
}

/** Undefined where a task's samples are no images. */
export function imageShape({
  manifest,
}: OpenedTask): Pick<PictureBlock, "height" | "width" | "channels"> | undefined {
  const [height, width, channels = 1] = manifest.x.shape;
  if (height === undefined || width === undefined || (channels !== 1 && channels !== 3)) return undefined;
  return { height, width, channels };
}

/** The first held-out sample of each class, in the order of classes; without classes the first ones. */
async function pickSamples(task: OpenedTask): Promise<Float32Array[]> {
  const from = heldOutSplit(task.manifest) ?? "train";
  const refs: readonly PreparedRow[] = allRows(task.manifest, from).slice(0, candidates);
  const { x, y } = await task.reader.rows(from, refs);
  return sliceRows(x, task.manifest.x.width, rowsToShow(refs.length, y));
}

/** Rows of the first ones for a picture: of each class one, then of each the next; without classes the first. */
export function rowsToShow(rows: number, y: Int32Array | Float32Array | undefined): readonly number[] {
  const order = Array.from({ length: Math.min(rows, candidates) }, (_, row) => row);
  if (y instanceof Int32Array) {
    const rankOf = (row: number): number =>
      order.filter((other) => other < row && y[other] === y[row]).length;
    const ranks = order.map(rankOf);
    order.sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || (y[a] ?? 0) - (y[b] ?? 0));
  }
  return order.slice(0, columns);
}

/** @param x [rows, width] */
export function sliceRows(x: Float32Array, width: number, rows: readonly number[]): Float32Array[] {
  return rows.map((row) => x.slice(row * width, (row + 1) * width));
}

async function reconstruct(
  run: OpenedRun,
  task: OpenedTask,
  originals: readonly Float32Array[],
  backend: LoadedBackend,
): Promise<Float32Array[]> {
  const compute = await loadModel(run, backend);
  try {
    const output = "reconstruction";
    const y = await compute.infer({
      phase: run.phase,
      task: task.graph.task,
      output,
      samples: originals.length,
      x: joined(originals),
    });
    return split(y, originals.length);
  } finally {
    await compute.close();
  }
}

function joined(images: readonly Float32Array[]): Float32Array {
  const width = images[0]?.length ?? 0;
  const all = new Float32Array(images.length * width);
  for (const [index, image] of images.entries()) all.set(image, index * width);
  return all;
}

function split(all: Float32Array, count: number): Float32Array[] {
  const width = all.length / count;
  return Array.from({ length: count }, (_, index) => all.slice(index * width, (index + 1) * width));
}
