import { type PreparedRow, type PreparedRows, takeRows } from "@latentweave/datasets";
import { type PreparedManifest, type SplitName, UserError } from "@latentweave/protocol";
import type { OpenedTask } from "./open-run.ts";

/** Every row of a split, shard by shard in the manifest's order. */
export function allRows(manifest: PreparedManifest, split: SplitName): PreparedRow[] {
  return manifest.splits[split].shards.flatMap(({ rows }, shard) =>
    Array.from({ length: rows }, (_, row) => ({ shard, row })),
  );
}

/** A whole split in memory: x [rows, width] and, where there are targets, y. */
export async function readWhole(
  task: OpenedTask,
  split: SplitName,
): Promise<PreparedRows & { readonly rows: number }> {
  const refs = allRows(task.manifest, split);
  return { rows: refs.length, ...(await task.reader.rows(split, refs)) };
}

/** The rows that were never trained on: test where there are some, else validation. */
export function heldOutSplit(manifest: PreparedManifest): SplitName | undefined {
  return (["test", "validation"] as const).find((split) => manifest.splits[split].rows > 0);
}

/** The split to measure on. @throws UserError when the one that was asked for has no rows */
export function measuredSplit({ name, manifest }: OpenedTask, asked: SplitName | undefined): SplitName {
  const held = heldOutSplit(manifest);
  if (asked === undefined) return held ?? "train";
  if (manifest.splits[asked].rows > 0) return asked;
  throw new UserError({
    what: `the data have no ${asked} rows`,
    where: `task ${name}`,
    expected: held === undefined ? "data with a split" : `--split ${held}`,
    mend: `give the task's data a split with a ${asked} part, or leave --split out`,
  });
}

interface LabelledRows {
  readonly x: Float32Array;
  /** -1 where there is none. */
  readonly labels: Int32Array;
}

/** Those of the rows that have a label; the rows themselves where all have one. */
export function withLabels(rows: LabelledRows): LabelledRows {
  const { x, labels } = rows;
  const there = Uint32Array.from(labels.keys()).filter((row) => (labels[row] ?? -1) >= 0);
  if (there.length === labels.length) return rows;
  return { x: takeRows(x, x.length / labels.length, there), labels: takeRows(labels, 1, there) };
}
