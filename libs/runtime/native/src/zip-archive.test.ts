import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { extractZip } from "./zip-archive.ts";

interface Member {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate: boolean;
  readonly mode?: number;
}

/** A ZIP writer by the format's description, independent of the reader under test. */
function zipOf(members: readonly Member[]): Buffer {
  const locals: Buffer[] = [];
  const table: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflate, mode = 0o644 } of members) {
    const packed = deflate ? deflateRawSync(data) : Buffer.from(data);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    locals.push(local, Buffer.from(name), packed);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflate ? 8 : 0, 10);
    entry.writeUInt32LE(crc32(data), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE((mode << 16) >>> 0, 38);
    entry.writeUInt32LE(offset, 42);
    table.push(entry, Buffer.from(name));
    offset += 30 + Buffer.byteLength(name) + packed.length;
  }
  const tableBytes = table.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(tableBytes, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...table, end]);
}

let folder: string;
let archive: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "zip-"));
  archive = path.join(folder, "a.whl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("extracting a wheel", () => {
  it("gives back every byte of stored and deflated files", async () => {
    const member = fc.record({ data: fc.uint8Array({ maxLength: 3000 }), deflate: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(member, { maxLength: 4 }), async (members) => {
        const named = members.map((value, index) => ({ ...value, name: `d${index}/f` }));
        writeFileSync(archive, zipOf(named));
        const names = await extractZip(archive, path.join(folder, "out"), () => true);
        expect(names).toEqual(named.map(({ name }) => name));
        for (const { name, data } of named) {
          expect(readFileSync(path.join(folder, "out", name)).equals(Buffer.from(data))).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("extracts only what is wanted and keeps programs executable", async () => {
    const data = Buffer.from("x");
    writeFileSync(
      archive,
      zipOf([
        { name: "bin/tool", data, deflate: true, mode: 0o755 },
        { name: "big", data, deflate: true },
      ]),
    );
    expect(await extractZip(archive, folder, (name) => name.startsWith("bin/"))).toEqual(["bin/tool"]);
    expect(statSync(path.join(folder, "bin/tool")).mode & 0o111).not.toBe(0);
  });

  it("refuses a damaged file, a cut archive, and a name that leaves the folder", async () => {
    const bytes = zipOf([{ name: "f", data: Buffer.from("contents"), deflate: false }]);
    const damaged = Buffer.from(bytes);
    damaged[33] = (damaged[33] ?? 0) ^ 1;
    writeFileSync(archive, damaged);
    await expect(extractZip(archive, folder, () => true)).rejects.toThrow("damaged");
    writeFileSync(archive, bytes.subarray(0, bytes.length - 10));
    await expect(extractZip(archive, folder, () => true)).rejects.toThrow("not a whole ZIP archive");
    writeFileSync(archive, zipOf([{ name: "../f", data: Buffer.from("x"), deflate: false }]));
    await expect(extractZip(archive, folder, () => true)).rejects.toThrow("unsafe name");
  });
});
