import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DataSource } from "@latentweave/job";
import type { PreparedManifest, SplitName } from "@latentweave/protocol";
import { openPrepared } from "../reader/open-prepared.ts";
import { prepare } from "./prepare.ts";
import { readInputs } from "./read-inputs.ts";

let folder = "";
let said: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "latentweave-text-"));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(path.join(folder, name), content);
const options = (): Parameters<typeof prepare>[1] => ({
  taskName: "t",
  baseDirectory: folder,
  cacheDirectory: path.join(folder, "cache"),
  log: (line) => said.push(line),
});
const prepareHere = (source: DataSource): Promise<PreparedManifest> => prepare(source, options());
const directoryOf = ({ dataHash }: PreparedManifest): string =>
  path.join(folder, "cache", "prepared", dataHash);

async function readAll(
  manifest: PreparedManifest,
  split: SplitName,
): Promise<{ x: number[][]; y: number[] }> {
  const reader = openPrepared({ manifest, location: { directory: directoryOf(manifest) }, cacheBytes: 1e6 });
  const refs = manifest.splits[split].shards.flatMap(({ rows }, shard) =>
    Array.from({ length: rows }, (_, row) => ({ shard, row })),
  );
  const { x, y } = await reader.rows(split, refs);
  reader.close();
  const { width } = manifest.x;
  return {
    x: refs.map((_, row) => [...x.subarray(row * width, (row + 1) * width)]),
    y: [...(y ?? [])],
  };
}

/** Rows that say what they are: each line's words are counted as they are. */
const plain = { counts: "plain", idf: false, norm: "none" } as const;
const reviews = ["pos\tgood good film", "neg\tbad film", "pos\tgood", "neg\tbad bad bad"];

describe("preparing text", () => {
  it("makes rows of a line's words, with the labels of training and test lines", async () => {
    write("train", reviews.join("\n"));
    write("test", "neg\tbad unheard film\npos\tgood\n");
    const manifest = await prepareHere({ text: { train: "train", test: "test", ...plain } });
    expect(manifest.x).toEqual({ dtype: "float32", shape: [3], width: 3, sparse: true });
    expect(manifest.y).toEqual({ kind: "class", dtype: "int32", classes: 2, names: ["neg", "pos"] });
    // bad and film and good are in two lines each.
    expect(await readAll(manifest, "test")).toEqual({
      x: [
        [1, 1, 0],
        [0, 0, 1],
      ],
      y: [0, 1],
    });
    const { x, y } = await readAll(manifest, "train");
    expect(x.map((row, index) => `${row.join("")} ${y[index]}`).sort()).toEqual(
      ["012 1", "110 0", "001 1", "300 0"].sort(),
    );
  });

  it("leaves unlabelled lines to training, whatever the split, and labels them -1", async () => {
    write("train", Array.from({ length: 20 }, (_, line) => `${line % 2}\tfilm`).join("\n"));
    write("more", Array.from({ length: 30 }, () => "film film").join("\n"));
    const source: DataSource = {
      text: { train: "train", unlabelled: "more", ...plain },
      split: { validation: 0.2, test: 0.25 },
    };
    const manifest = await prepareHere(source);
    expect(manifest.y).toMatchObject({ unlabelled: { train: 30, validation: 0, test: 0 } });
    const train = await readAll(manifest, "train");
    expect(train.x.length).toBe(11 + 30);
    train.x.forEach(([count], row) => expect(train.y[row] === -1).toBe(count === 2));
    expect(train.y.slice(0, 20).includes(-1) && train.y.slice(0, 20).some((label) => label >= 0)).toBe(true);
    for (const [split, rows] of [
      ["validation", 4],
      ["test", 5],
    ] as const) {
      const { x, y } = await readAll(manifest, split);
      expect(x.length).toBe(rows);
      expect(y.every((label) => label >= 0)).toBe(true);
    }
  });

  it("counts the vocabulary where the source says, never in the test lines, and keeps it beside the shards", async () => {
    write("a", reviews.join("\n"));
    write("b", "pos\tsplendid book\nneg\tsplendid film");
    write("test", "pos\tunheard unheard\npos\tunheard");
    const shared = { from: ["a", "b"], words: 2, most: 5, leastLines: 1 };
    const of = (train: string): Promise<PreparedManifest> =>
      prepareHere({ text: { train, test: "test", vocabulary: shared, ...plain } });
    const [first, second] = [await of("a"), await of("b")];
    const file = (manifest: PreparedManifest): string =>
      manifest.preprocessing.text?.vocabulary.file ?? "none";
    expect(file(second)).toBe(file(first));
    expect(first.dataHash).not.toBe(second.dataHash);
    const table = tableFromIPC(readFileSync(path.join(directoryOf(first), file(first))));
    expect([...(table.getChild("term") ?? [])]).toEqual(["film", "bad", "good", "splendid", "bad bad"]);
    expect([...(table.getChild("lines") ?? [])]).toEqual([3, 2, 2, 2, 1]);
  });

  it("reads other lines as the training lines were read", async () => {
    write("train", reviews.join("\n"));
    const manifest = await prepareHere({ text: { train: "train" }, split: { test: 0 } });
    const again = await readInputs({ text: { train: "train" } }, manifest, options());
    const { x } = await readAll(manifest, "train");
    const rows = reviews.map((_, row) => [...again.x.subarray(row * 3, (row + 1) * 3)]);
    expect(rows.map(String).sort()).toEqual(x.map(String).sort());
    write("new.txt", "a GOOD one\n\nbad!\n");
    const other = await readInputs({ text: { unlabelled: "new.txt" } }, manifest, options());
    expect([...other.x]).toEqual([0, 0, 1, 1, 0, 0]);
    write("table.csv", "a\n1\n");
    await expect(readInputs({ csv: "table.csv" }, manifest, options())).rejects.toThrow("no text");
  });

  it("is prepared anew when a file of the vocabulary changes, and else found", async () => {
    write("train", reviews.join("\n"));
    write("words", "good\nfilm\n");
    const source: DataSource = { text: { train: "train", vocabulary: { from: "words", leastLines: 1 } } };
    const first = await prepareHere(source);
    expect((await prepareHere(source)).dataHash).toBe(first.dataHash);
    expect(said.filter((line) => line.includes("preparing")).length).toBe(1);
    write("words", "good\nbad\nfilm\n");
    expect((await prepareHere(source)).x.width).toBe(3);
  });

  it("may have no labels at all", async () => {
    write("lines.txt", "good film\ngood book\n".repeat(10));
    const manifest = await prepareHere({ text: { unlabelled: "lines.txt" } });
    expect(manifest.y).toBeNull();
    expect([manifest.splits.train.rows, manifest.splits.test.rows]).toEqual([16, 4]);
  });

  it("says which lines have another encoding, and refuses labels and files that mean nothing", async () => {
    write("train", Buffer.concat([Buffer.from(`${reviews.join("\n")}\npos\tgood caf`), Buffer.from([0xe9])]));
    write("test", "maybe\tgood\n");
    write("empty", "\n\n");
    await prepareHere({ text: { train: "train" } });
    expect(said).toContain("t: one line is not UTF-8 and was read as Windows-1252");
    await expect(prepareHere({ text: { train: "train", test: "test" } })).rejects.toThrow(
      'the label "maybe", which no training line has',
    );
    await expect(prepareHere({ text: { train: "empty" } })).rejects.toThrow("has no lines");
    await expect(prepareHere({ text: { train: "train", vocabulary: { leastLines: 100 } } })).rejects.toThrow(
      "no word is in 100 lines",
    );
    await expect(prepareHere({ text: { train: "gone" } })).rejects.toThrow("no such file");
  });
});
