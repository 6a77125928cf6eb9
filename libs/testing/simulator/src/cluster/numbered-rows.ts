import type { RowReader } from "@latentweave/worker-engine";

/** Rows whose contents are their places: a row that is read for another changes the gradient. */
export function numberedRows(): RowReader {
  return {
    async rows(split, refs) {
      const x = new Float32Array(refs.length);
      for (const [place, { shard, row }] of refs.entries())
        x[place] = (split === "train" ? 0 : 1_000_000) + shard * 1000 + row;
      return { x, columns: { y: new Int32Array(refs.length) } };
    },
    fetchedBytes: 0,
    close: async () => undefined,
  };
}
