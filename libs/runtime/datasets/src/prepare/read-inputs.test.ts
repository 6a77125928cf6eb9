import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { DataSource } from "@latentweave/job";
import type { PreparedManifest } from "@latentweave/protocol";
import { encodeIdx } from "../formats/idx.ts";
import { encodeNpy } from "../formats/npy.ts";
import { guessDataSource } from "./guess-source.ts";
import { prepare } from "./prepare.ts";
import { readInputs } from "./read-inputs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "latentweave-inputs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { taskName: "t", baseDirectory: folder, cacheDirectory: folder, log: () => undefined };
const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(path.join(folder, name), content);
const read = (source: DataSource, manifest: PreparedManifest): Promise<{ rows: number; x: Float32Array }> =>
  readInputs(source, manifest, options);

describe("new data for a trained model", () => {
  it("get the columns, categories and scaling that training fitted", async () => {
    write("train.csv", "n,c,t\n10,a,0\n20,b,1\n30,c,0\n");
    const manifest = await prepare(
      { csv: "train.csv", target: "t", oneHot: ["c"], scale: "minmax", split: { test: 0 } },
      options,
    );
    write("new.csv", "c,other,n\nc,x,40\nb,y,10\n");
    const { rows, x } = await read({ csv: "new.csv" }, manifest);
    expect(rows).toBe(2);
    expect([...x]).toEqual([1.5, 0, 0, 1, 0, 0, 1, 0]);
  });

  it("are brought to the width that training was brought to", async () => {
    write("train.csv", "n,c\n10,a\n20,b\n");
    const table = await prepare({ csv: "train.csv", oneHot: ["c"], width: 5, split: { test: 0 } }, options);
    write("new.csv", "n,c\n7,b\n");
    expect([...(await read({ csv: "new.csv" }, table)).x]).toEqual([7, 0, 1, 0, 0]);
    write("images.idx", encodeIdx([2, 2, 2], Uint8Array.of(0, 255, 255, 0, 51, 51, 51, 51)));
    const images = await prepare({ idx: { images: "images.idx" }, width: 1, split: { test: 0 } }, options);
    expect([...(await read({ idx: { images: "images.idx" } }, images)).x]).toEqual([
      Math.fround(128 / 255),
      Math.fround(0.2),
    ]);
  });

  it("are refused where a category is unknown or a column is missing", async () => {
    write("train.csv", "n,c\n10,a\n20,b\n");
    const manifest = await prepare({ csv: "train.csv", oneHot: ["c"], split: { test: 0 } }, options);
    write("new.csv", "n,c\n1,z\n");
    await expect(read({ csv: "new.csv" }, manifest)).rejects.toThrow(
      /category c=z.*\n {2}expected: c=a, c=b/,
    );
    write("new.csv", "n\n1\n");
    await expect(read({ csv: "new.csv" }, manifest)).rejects.toThrow('has no column "c"');
  });

  it("are refused where samples have another size or type", async () => {
    write("x.npy", encodeNpy([4, 2], new Uint8Array(8)));
    const manifest = await prepare({ npy: { x: "x.npy" } }, options);
    write("new.npy", encodeNpy([1, 3], new Uint8Array(3)));
    await expect(read({ npy: { x: "new.npy" } }, manifest)).rejects.toThrow("a sample has 3 numbers");
    write("new.npy", encodeNpy([1, 2], new Float32Array(2)));
    await expect(read({ npy: { x: "new.npy" } }, manifest)).rejects.toThrow("samples are not bytes");
    write("new.npy", encodeNpy([1, 2], Uint8Array.of(51, 255)));
    expect([...(await read({ npy: { x: "new.npy" } }, manifest)).x]).toEqual([Math.fround(0.2), 1]);
  });

  it("are told apart by the ending of their name", () => {
    expect(guessDataSource("iris")).toEqual({ dataset: "iris" });
    expect(guessDataSource("a/b.tsv")).toEqual({ csv: "a/b.tsv" });
    expect(guessDataSource("b.NPY")).toEqual({ npy: { x: "b.NPY" } });
    expect(guessDataSource("train-images-idx3-ubyte.gz")).toEqual({
      idx: { images: "train-images-idx3-ubyte.gz" },
    });
    expect(() => guessDataSource("picture.png")).toThrow("cannot tell what kind of data this is");
  });
});
