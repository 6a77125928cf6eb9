import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { encodeNpy, parseNpy } from "./npy.ts";
import { readNpzArrays } from "./npz.ts";

const folder = mkdtempSync(path.join(tmpdir(), "latentweave-npy-"));
afterAll(() => rmSync(folder, { recursive: true }));

function npy(descr: string, shape: string, data: Uint8Array, fortran = "False"): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
  const bytes = new Uint8Array(10 + header.length + data.length);
  bytes.set([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0]);
  bytes.set(Buffer.from(header), 10);
  bytes.set(data, 10 + header.length);
  return bytes;
}

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe("NPY", () => {
  it("gives back what was written, whatever the type and shape", () => {
    const data = fc.oneof(
      fc.float32Array({ noNaN: true, maxLength: 24 }),
      fc.int32Array({ maxLength: 24 }),
      fc.uint8Array({ maxLength: 24 }),
    );
    fc.assert(
      fc.property(data, fc.boolean(), (values, flat) => {
        const shape = flat ? [values.length] : [1, values.length, 1];
        const read = parseNpy(encodeNpy(shape, values), "a.npy");
        expect(read.shape).toEqual(shape);
        expect(bytesOf(read.values.data)).toEqual(bytesOf(values));
      }),
    );
  });

  it("is written as numpy.save writes it", () => {
    const bytes = encodeNpy([2, 3], Float32Array.of(0, 1, 2, 3, 4, 5));
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    expect(Buffer.from(bytes.subarray(0, 128)).toString("latin1")).toBe(
      `\x93NUMPY\x01\0v\0${header.padEnd(117)}\n`,
    );
    expect(bytes.length).toBe(128 + 24);
  });

  it("reads every number type of NumPy, in either byte order", () => {
    const cases: [string, Uint8Array, number[]][] = [
      ["|b1", Uint8Array.of(1, 0), [1, 0]],
      ["|i1", Uint8Array.of(255, 2), [-1, 2]],
      ["<i2", Uint8Array.of(1, 1, 0xff, 0xff), [257, -1]],
      [">u2", Uint8Array.of(1, 2, 0xff, 0xff), [258, 65535]],
      [">i4", Uint8Array.of(0, 0, 1, 0, 0xff, 0xff, 0xff, 0xfe), [256, -2]],
      ["<i8", bytesOf(BigInt64Array.of(-5n, 6n)), [-5, 6]],
      ["<u8", bytesOf(BigUint64Array.of(5n, 6n)), [5, 6]],
      ["<f2", Uint8Array.of(0x00, 0x3c, 0x01, 0x00), [1, 2 ** -24]],
      ["<f8", bytesOf(Float64Array.of(0.5, 0.1)), [0.5, Math.fround(0.1)]],
      [">f4", Uint8Array.of(0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0), [1, -2]],
    ];
    for (const [descr, bytes, values] of cases) {
      expect([...parseNpy(npy(descr, "(2,)", bytes), descr).values.data], descr).toEqual(values);
    }
  });

  it("refuses what is cut short, too long or something else, and says what it is", () => {
    const good = npy("<f4", "(3,)", new Uint8Array(12));
    const problem = (bytes: Uint8Array) => () => parseNpy(bytes, "a.npy");
    expect(problem(good.subarray(0, good.length - 1))).toThrow("a.npy: the file is cut short");
    expect(problem(good.subarray(0, 30))).toThrow("a.npy: the NPY header is damaged or cut short");
    expect(problem(npy("<f4", "(3,)", new Uint8Array(13)))).toThrow("longer than its header says");
    expect(problem(Buffer.from("not an array at all"))).toThrow("a.npy: is no NPY file");
    expect(problem(npy("|O", "(1,)", new Uint8Array(8)))).toThrow("holds values of type |O");
    expect(problem(npy("<f4", "(2, 2)", new Uint8Array(16), "True"))).toThrow("Fortran order");
    expect(problem(npy("<i8", "(1,)", bytesOf(BigInt64Array.of(2n ** 40n))))).toThrow("does not fit 32 bits");
  });
});

// Made by Python's zipfile: x.npy deflated, y.npy stored, with a comment at the end of the archive.
const archive = Buffer.from(
  "UEsDBBQAAAAIAAAAIQAe+8JgVQAAAJgAAAAFAAAAeC5ucHmb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgrGmjoKtQpkAy4GMGiwBxIOQATEDUC8wQEAUEsDBBQAAAAAAAAAIQCdlev+kAAAAJAAAAAFAAAAeS5ucHmTTlVNUFkBAHYAeydkZXNjcic6ICc8aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCgcAAAAAAAAA/f////////9QSwECFAMUAAAACAAAACEAHvvCYFUAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECFAMUAAAAAAAAACEAnZXr/pAAAACQAAAABQAAAAAAAAAAAAAAgAF4AAAAeS5ucHlQSwUGAAAAAAIAAgBmAAAAKwEAAA8AbWFkZSBieSB6aXBmaWxl",
  "base64",
);

describe("NPZ", () => {
  const file = path.join(folder, "a.npz");

  it("reads deflated and stored arrays by name", async () => {
    writeFileSync(file, archive);
    const [x, y] = await readNpzArrays(file, ["x", "y"]);
    expect(x).toEqual({
      shape: [2, 3],
      values: { dtype: "float32", data: Float32Array.of(0, 1, 2, 3, 4, 5.5) },
    });
    expect(y).toEqual({ shape: [2], values: { dtype: "int32", data: Int32Array.of(7, -3) } });
  });

  it("lists the arrays it has when another is asked for", async () => {
    writeFileSync(file, archive);
    await expect(readNpzArrays(file, ["z"])).rejects.toThrow(/has no array "z"\n {2}expected: one of: x, y/);
  });

  it("notices damage anywhere in an array, and a cut archive", async () => {
    for (const at of [40, 60, archive.indexOf("\n\x07\0\0") + 1]) {
      const damaged = Buffer.from(archive);
      damaged[at] = (damaged[at] as number) ^ 0xff;
      writeFileSync(file, damaged);
      await expect(readNpzArrays(file, ["x", "y"]), `byte ${at}`).rejects.toThrow(/damaged/);
    }
    writeFileSync(file, archive.subarray(0, 200));
    await expect(readNpzArrays(file, ["x"])).rejects.toThrow("damaged or cut short");
  });
});
