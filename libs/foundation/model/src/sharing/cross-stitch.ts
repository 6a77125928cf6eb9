import type { Sharing, SharingPlace } from "./sharing-place.ts";

/** What a task's own column counts at first; the others share the rest evenly. */
const ownShare = 0.9;

/**
 * Cross-stitch networks (Misra et al., CVPR 2016): a column of layers for each task, and after each layer every column
 * goes on with a learned linear combination of all of them. A task's sample goes through all columns; the task's latent
 * is its own column's last.
 */
export function crossStitch(
  { column, latent }: Sharing<"cross-stitch">,
  { graph, task, tasks, encoded }: SharingPlace,
): number {
  const groups = tasks.map((name) => `shared/column/${name}`);
  const start = (row: number): number[] =>
    tasks.map((_, at) => (at === row ? ownShare : (1 - ownShare) / Math.max(1, tasks.length - 1)));
  const stitched = (nodes: number[], layer: number | "latent", rows: readonly number[]): number[] =>
    rows.map((row) =>
      graph.stitch(nodes as [number, ...number[]], row, start(row), {
        group: "shared/stitch",
        name: `shared/stitch/${layer}`,
      }),
    );
  const all = [...tasks.keys()];
  let nodes = all.map(() => encoded);
  for (const [index, layer] of column.entries()) {
    nodes = nodes.map((from, at) =>
      graph.sequence(from, [layer], { group: groups[at] as string, field: "model.column" }, index),
    );
    nodes = stitched(nodes, index, all);
  }
  const latents = nodes.map((from, at) => {
    const group = groups[at] as string;
    return graph.dense(from, latent.units, latent.activation, `${group}/latent`, {
      group,
      field: "model.latent",
    });
  });
  return stitched(latents, "latent", [tasks.indexOf(task)])[0] as number;
}
