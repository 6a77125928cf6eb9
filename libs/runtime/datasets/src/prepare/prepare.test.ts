import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DataSource } from "@latentweave/job";
import { splitNames, type PreparedManifest, type SplitName } from "@latentweave/protocol";
import { sha256Of } from "../files.ts";
import { encodeIdx } from "../formats/idx.ts";
import { encodeNpy } from "../formats/npy.ts";
import { preparedFilePath, readPreparedManifest } from "../prepared-store.ts";
import { openPrepared } from "../reader/open-prepared.ts";
import { prepare } from "./prepare.ts";
import { shardLengths, splitRows } from "./split-rows.ts";

let folder = "";
let lines: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "latentweave-prepare-"));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const root = (): string => path.join(folder, "cache", "prepared");
const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(path.join(folder, name), content);
const prepareHere = (source: DataSource): Promise<PreparedManifest> =>
  prepare(source, {
    taskName: "t",
    baseDirectory: folder,
    cacheDirectory: path.join(folder, "cache"),
    log: (line) => lines.push(line),
  });

async function readAll(manifest: PreparedManifest, split: SplitName): Promise<{ x: number[]; y: number[] }> {
  const reader = openPrepared({
    manifest,
    location: { directory: path.join(root(), manifest.dataHash) },
    cacheBytes: 1e6,
  });
  const refs = manifest.splits[split].shards.flatMap(({ rows }, shard) =>
    Array.from({ length: rows }, (_, row) => ({ shard, row })),
  );
  const { x, y } = await reader.rows(split, refs);
  reader.close();
  return { x: [...x], y: [...(y ?? [])] };
}

const counting = (rows: number): string =>
  `x,label\n${Array.from({ length: rows }, (_, row) => `${row},${row % 2 ? "odd" : "even"}\n`).join("")}`;

describe("preparing", () => {
  it("puts every row into exactly one split, with its own label", async () => {
    write("a.csv", counting(1000));
    const manifest = await prepareHere({
      csv: "a.csv",
      target: "label",
      split: { validation: 0.1, test: 0.2 },
    });
    expect(splitNames.map((split) => manifest.splits[split].rows)).toEqual([700, 100, 200]);
    const parts = await Promise.all(splitNames.map((split) => readAll(manifest, split)));
    const x = parts.flatMap((part) => part.x);
    expect([...x].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, row) => row));
    expect(parts.flatMap((part) => part.y)).toEqual(x.map((value) => value % 2));
    expect(manifest.y).toEqual({ kind: "class", dtype: "int32", classes: 2, names: ["even", "odd"] });
    expect(parts[0]?.x).not.toEqual([...(parts[0]?.x ?? [])].sort((a, b) => a - b));
  });

  it("writes Arrow files that any Arrow library reads, named by their SHA-256", async () => {
    write("a.csv", counting(600));
    const manifest = await prepareHere({ csv: "a.csv", target: "label", split: { test: 0 } });
    expect(manifest.splits.train.shards.map(({ rows }) => rows)).toEqual([300, 300]);
    for (const shard of manifest.splits.train.shards) {
      const bytes = readFileSync(preparedFilePath(root(), manifest.dataHash, shard.file) as string);
      expect(`${sha256Of(bytes)}.arrow`).toBe(shard.file);
      expect(bytes.length).toBe(shard.bytes);
      const table = tableFromIPC(bytes);
      expect(table.schema.fields.map(String)).toEqual(["x: FixedSizeList[1]<Float32>", "y: Int32"]);
      expect(table.numRows).toBe(shard.rows);
    }
  });

  it("fits scaling on training rows alone and leaves categories and constants in place", async () => {
    const rows = Array.from({ length: 40 }, (_, row) => `${row * 10},${row % 2 ? "b" : "a"},7\n`).join("");
    write("a.csv", `n,c,k\n${rows}`);
    for (const scale of ["minmax", "standard"] as const) {
      const manifest = await prepareHere({ csv: "a.csv", oneHot: ["c"], scale, split: { test: 0.5 } });
      const raw = await prepareHere({ csv: "a.csv", oneHot: ["c"], split: { test: 0.5 } });
      const numbers = (await readAll(raw, "train")).x.filter((_, index) => index % 4 === 0);
      const low = Math.min(...numbers);
      const high = Math.max(...numbers);
      const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
      const deviation = Math.sqrt(
        numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length,
      );
      const [offset, divisor] = scale === "minmax" ? [low, high - low] : [mean, deviation];
      expect(manifest.preprocessing.scale).toEqual({
        kind: scale,
        offset: [offset, 0, 0, 7],
        divisor: [divisor, 1, 1, 1],
      });
      const scaled = (await readAll(manifest, "train")).x;
      expect(scaled.filter((_, index) => index % 4 === 0)).toEqual(
        numbers.map((value) => Math.fround((value - offset) / divisor)),
      );
      expect(scaled.filter((_, index) => index % 4 === 3).every((value) => value === 0)).toBe(true);
    }
  });

  it("keeps bytes as bytes and divides them by 255 when they are read", async () => {
    const pixels = Uint8Array.from({ length: 10 * 4 }, (_, index) => index * 6);
    write("images", encodeIdx([10, 2, 2], pixels));
    write(
      "labels",
      encodeIdx(
        [10],
        Uint8Array.from({ length: 10 }, (_, index) => (index % 3) + 4),
      ),
    );
    const manifest = await prepareHere({
      idx: { images: "images", labels: "labels", testImages: "images", testLabels: "labels" },
    });
    expect(manifest.x).toEqual({ dtype: "uint8", shape: [2, 2, 1], width: 4 });
    expect(manifest.y).toEqual({ kind: "class", dtype: "int32", classes: 3, names: ["4", "5", "6"] });
    const test = await readAll(manifest, "test");
    expect(test.x).toEqual([...pixels].map((byte) => Math.fround(byte / 255)));
    expect(test.y).toEqual(Array.from({ length: 10 }, (_, index) => index % 3));
  });

  it("takes arrays of any shape, reshapes them, and cuts them to a limit", async () => {
    write(
      "x.npy",
      encodeNpy(
        [6, 2, 3],
        Float32Array.from({ length: 36 }, (_, index) => index),
      ),
    );
    write(
      "y.npy",
      encodeNpy(
        [6, 2],
        Float32Array.from({ length: 12 }, (_, index) => -index),
      ),
    );
    const manifest = await prepareHere({
      npy: { x: "x.npy", y: "y.npy" },
      reshape: [6],
      limit: 4,
      split: { test: 0.25 },
    });
    expect(manifest.x.shape).toEqual([6]);
    expect(manifest.y).toEqual({ kind: "number", dtype: "float32", width: 2 });
    const parts = [await readAll(manifest, "train"), await readAll(manifest, "test")];
    expect(parts.flatMap((part) => part.x).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 24 }, (_, index) => index),
    );
    expect(parts[0]?.y[0]).toBe(-((parts[0]?.x[0] as number) / 3));
  });

  it("gives the same hash to the same data and another to other data", async () => {
    write("a.csv", counting(50));
    const first = await prepareHere({ csv: "a.csv", target: "label" });
    write("b.csv", counting(50));
    expect((await prepareHere({ csv: "b.csv", target: "label" })).dataHash).toBe(first.dataHash);
    write("b.csv", counting(51));
    expect((await prepareHere({ csv: "b.csv", target: "label" })).dataHash).not.toBe(first.dataHash);
    const otherSeed = await prepareHere({ csv: "a.csv", target: "label", split: { seed: 1 } });
    expect(otherSeed.dataHash).not.toBe(first.dataHash);
  });

  it("does nothing when nothing has changed, and only hashes when just the time has", async () => {
    write("a.csv", counting(50));
    const first = await prepareHere({ csv: "a.csv", features: ["x"] });
    expect(lines.length).toBe(2);
    expect(await prepareHere({ csv: "a.csv", features: ["x"] })).toEqual(first);
    utimesSync(path.join(folder, "a.csv"), 1, 1);
    expect(await prepareHere({ csv: "a.csv", features: ["x"] })).toEqual(first);
    expect(lines.length).toBe(2);
  });

  it("prepares anew when a shard is missing or cut short", async () => {
    write("a.csv", counting(50));
    const manifest = await prepareHere({ csv: "a.csv", features: ["x"] });
    const shard = preparedFilePath(
      root(),
      manifest.dataHash,
      manifest.splits.train.shards[0]?.file as string,
    ) as string;
    for (const harm of [() => rmSync(shard), () => truncateSync(shard, 100)]) {
      harm();
      expect(await prepareHere({ csv: "a.csv", features: ["x"] })).toEqual(manifest);
      expect((await readAll(manifest, "train")).x.length).toBe(40);
    }
  });

  it("keeps rows without a label, and says every time that a class is in no training row", async () => {
    write("a.csv", "x,label\n1,\n2,0\n3,1\n4,?\n5,0\n6,1\n");
    const source = {
      csv: "a.csv",
      target: "label",
      unlabelled: "?",
      classes: 3,
      split: { test: 0 },
    } as const;
    const manifest = await prepareHere({ ...source, split: { ...source.split } });
    expect(manifest.y).toMatchObject({
      ...{ classes: 3, absent: ["2"], unlabelled: { train: 2, validation: 0, test: 0 } },
    });
    const { x, y } = await readAll(manifest, "train");
    expect(new Map(x.map((value, row) => [value, y[row]]))).toEqual(
      new Map([1, 2, 3, 4, 5, 6].map((value, row) => [value, [-1, 0, 1, -1, 0, 1][row]])),
    );
    const before = lines.length;
    await prepareHere({ ...source, split: { ...source.split } });
    expect(lines.slice(before)).toEqual([
      expect.stringContaining('t: careful: no training row has the class "2"'),
    ]);
  });

  it("is safe when several do it at once, and leaves nothing half-written", async () => {
    write("a.csv", counting(500));
    const manifests = await Promise.all(
      Array.from({ length: 4 }, () => prepareHere({ csv: "a.csv", target: "label" })),
    );
    expect(new Set(manifests.map(({ dataHash }) => dataHash)).size).toBe(1);
    expect(readdirSync(root()).sort()).toEqual([manifests[0]?.dataHash, "sources"].sort());
    expect(await readPreparedManifest(path.join(root(), manifests[0]?.dataHash as string))).toEqual(
      manifests[0],
    );
  });
});

describe("bad data are refused, by task, file and place:", () => {
  const problem = async (source: DataSource): Promise<string> => {
    const message = await prepareHere(source).then(
      () => "no error",
      (error: unknown) => (error as Error).message,
    );
    expect(existsSync(root()) ? readdirSync(root()).filter((name) => name !== "sources") : []).toEqual([]);
    return message.replaceAll(`${folder}/`, "");
  };

  it("a missing file", async () => {
    expect(await problem({ csv: "none.csv" })).toMatch(/^task t: none\.csv: no such file/);
    expect(await problem({ npy: { x: "none.npy" } })).toMatch(/^task t: none\.npy: no such file/);
  });

  it("NaN or infinity in an array", async () => {
    const x = new Float32Array(12);
    x[7] = NaN;
    write("x.npy", encodeNpy([4, 3], x));
    expect(await problem({ npy: { x: "x.npy" } })).toMatch(
      /^task t: x\.npy, row 2, column 1 \(counted from 0\): holds NaN/,
    );
    x[7] = -Infinity;
    write("x.npy", encodeNpy([4, 3], x));
    expect(await problem({ npy: { x: "x.npy" } })).toContain("holds -Infinity");
  });

  it("labels that do not fit the samples", async () => {
    write("x.npy", encodeNpy([4, 3], new Float32Array(12)));
    write("y.npy", encodeNpy([3], new Int32Array(3)));
    expect(await problem({ npy: { x: "x.npy", y: "y.npy" } })).toMatch(
      /y\.npy: has 3 targets\n {2}expected: 4, one/,
    );
    write("y.npy", encodeNpy([4], Float32Array.of(0, 1, 1.5, 2)));
    expect(await problem({ npy: { x: "x.npy", y: "y.npy" }, targetKind: "class" })).toMatch(
      /y\.npy, row 2 .*holds 1\.5/,
    );
  });

  it("a shape that does not fit, and scaling that means nothing", async () => {
    write("x.npy", encodeNpy([4, 3], new Float32Array(12)));
    expect(await problem({ npy: { x: "x.npy" }, reshape: [2, 2] })).toMatch(
      /reshape \(2, 2\) holds 4 numbers\n {2}expected: 3/,
    );
    expect(await problem({ npy: { x: "x.npy" }, scale: "unit" })).toContain("these data are no bytes");
    write("x.npy", encodeNpy([0, 3], new Float32Array(0)));
    expect(await problem({ npy: { x: "x.npy" } })).toContain("the array is empty");
  });

  it("a split of its own where the source brings test rows, and one that leaves nothing to train on", async () => {
    write("i", encodeIdx([3, 1, 1], new Uint8Array(3)));
    expect(await problem({ idx: { images: "i", testImages: "i" }, split: { test: 0.1 } })).toContain(
      "remove split.test",
    );
    write("a.csv", "x\n1\n");
    expect(await problem({ csv: "a.csv", split: { test: 0.6 } })).toContain("1 row leaves none for training");
  });

  it("no permission to write", async () => {
    write("a.csv", counting(10));
    write("cache", "a file where the cache's folder should be");
    await expect(prepareHere({ csv: "a.csv", features: ["x"] })).rejects.toThrow(
      /^task t: .*part of the path is no folder/,
    );
  });
});

describe("splits and shards", () => {
  it("deal every row once, whatever the fractions", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 300 }),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        fc.nat(),
        (rows, test, seed) => {
          const split = splitRows(rows, { test, validation: 0.3, seed }, false);
          const all = [...split.train, ...split.validation, ...split.test];
          expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row));
          expect(split.test.length).toBe(Math.round(rows * test));
        },
      ),
    );
  });

  it("number 64 when there are rows enough, else fewer of at least 256 rows, of equal length but for one row", () => {
    expect(shardLengths(60_000).length).toBe(64);
    expect(shardLengths(1000)).toEqual([333, 333, 334]);
    expect(shardLengths(255)).toEqual([255]);
    expect(shardLengths(0)).toEqual([]);
    expect(shardLengths(60_000).reduce((sum, rows) => sum + rows, 0)).toBe(60_000);
  });
});

describe("paths of served files", () => {
  it("lead to the manifest or a shard and nowhere else", () => {
    const hash = "a".repeat(64);
    expect(preparedFilePath("/root", hash, "manifest.json")).toBe(path.join("/root", hash, "manifest.json"));
    expect(preparedFilePath("/root", hash, `${hash}.arrow`)).toBe(path.join("/root", hash, `${hash}.arrow`));
    for (const [dataHash, file] of [
      [hash, "../manifest.json"],
      [hash, "..%2fmanifest.json"],
      [hash, `${hash}.arrow/../x`],
      [hash, "manifest.json\n"],
      ["..", "manifest.json"],
      [`${hash}/..`, "manifest.json"],
      ["", "manifest.json"],
    ] as const) {
      expect(preparedFilePath("/root", dataHash, file)).toBeUndefined();
    }
  });
});
