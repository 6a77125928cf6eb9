import type { LoadedBackend } from "@latentweave/compute";
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
    blocks.push({ title: task.name, ...shape, rows });
  }
  return blocks;
}

function imageShape({
  manifest,
}: OpenedTask): Pick<PictureBlock, "height" | "width" | "channels"> | undefined {
  const [height, width, channels = 1] = manifest.x.shape;
  if (height === undefined || width === undefined || (channels !== 1 && channels !== 3)) return undefined;
  return { height, width, channels };
}

/** The first held-out sample of each class, in the order of classes; without classes the first ones. */
async function pickSamples(task: OpenedTask): Promise<Float32Array[]> {
  const split = heldOutSplit(task.manifest) ?? "train";
  const refs: readonly PreparedRow[] = allRows(task.manifest, split).slice(0, candidates);
  const { x, y } = await task.reader.rows(split, refs);
  const { width } = task.manifest.x;
  const order = [...refs.keys()];
  if (y instanceof Int32Array) {
    const rankOf = (row: number): number =>
      order.filter((other) => other < row && y[other] === y[row]).length;
    const ranks = order.map(rankOf);
    order.sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || (y[a] ?? 0) - (y[b] ?? 0));
  }
  return order.slice(0, columns).map((row) => x.slice(row * width, (row + 1) * width));
}

async function reconstruct(
  run: OpenedRun,
  task: OpenedTask,
  originals: readonly Float32Array[],
  backend: LoadedBackend,
): Promise<Float32Array[]> {
  const { width } = task.manifest.x;
  const x = new Float32Array(originals.length * width);
  for (const [index, image] of originals.entries()) x.set(image, index * width);
  const compute = await loadModel(run, backend);
  try {
    const output = "reconstruction";
    const y = await compute.infer({
      phase: run.phase,
      task: task.name,
      output,
      samples: originals.length,
      x,
    });
    return originals.map((_, index) => y.slice(index * width, (index + 1) * width));
  } finally {
    await compute.close();
  }
}
