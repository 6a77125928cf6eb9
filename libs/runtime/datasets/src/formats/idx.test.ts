import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { encodeIdx, parseIdx, readIdxFile } from "./idx.ts";

const folder = mkdtempSync(path.join(tmpdir(), "latentweave-idx-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("IDX", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        expect(parseIdx(encodeIdx([data.length, 1], data), "a")).toEqual({
          shape: [data.length, 1],
          values: { dtype: "uint8", data },
        });
      }),
    );
  });

  it("reads big-endian numbers of the other types", () => {
    const float = Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0);
    expect([...parseIdx(float, "a").values.data]).toEqual([1, -2]);
    const short = Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 0, 0xff, 0xff);
    expect([...parseIdx(short, "a").values.data]).toEqual([256, -1]);
  });

  it("reads gzipped files by their content, not their name", async () => {
    const file = path.join(folder, "images");
    writeFileSync(file, gzipSync(encodeIdx([2], Uint8Array.of(3, 4))));
    expect([...(await readIdxFile(file)).values.data]).toEqual([3, 4]);
    writeFileSync(file, gzipSync(encodeIdx([2], Uint8Array.of(3, 4))).subarray(0, 20));
    await expect(readIdxFile(file)).rejects.toThrow("the gzip stream is damaged or cut short");
  });

  it("refuses what is cut short, too long or something else", () => {
    const good = encodeIdx([3], Uint8Array.of(1, 2, 3));
    expect(() => parseIdx(good.subarray(0, 10), "a.idx")).toThrow(
      /a\.idx: the file is cut short\n {2}expected: 11 bytes/,
    );
    expect(() => parseIdx(Buffer.concat([good, good]), "a.idx")).toThrow("longer than its header says");
    expect(() => parseIdx(Buffer.from("PNG something"), "a.idx")).toThrow("a.idx: is no IDX file");
    expect(() => parseIdx(new Uint8Array(), "a.idx")).toThrow("is no IDX file");
  });
});
