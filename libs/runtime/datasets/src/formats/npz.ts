import { crc32, inflateRawSync } from "node:zlib";
import { UserError } from "@latentweave/protocol";
import { readUserFile } from "../files.ts";
import type { ArrayData } from "./array-data.ts";
import { parseNpy } from "./npy.ts";

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly localAt: number;
}

/**
 * Reads the named arrays of an .npz archive (a ZIP of .npy files: numpy.savez, numpy.savez_compressed).
 * @throws UserError when the file is missing or damaged, or has no array of a name (the message lists those it has)
 */
export async function readNpzArrays(file: string, names: readonly string[]): Promise<ArrayData[]> {
  const bytes = await readUserFile(file);
  const entries = listEntries(bytes, file);
  return names.map((name) => {
    const entry = entries.get(`${name}.npy`);
    if (!entry) {
      const known = [...entries.keys()].map((key) => key.replace(/\.npy$/, ""));
      throw new UserError({
        what: `has no array "${name}"`,
        where: file,
        expected: `one of: ${known.join(", ")}`,
      });
    }
    return parseNpy(extract(bytes, entry, `${file}:${name}`), `${file}:${name}`);
  });
}

/** Reads ZIP's central directory (APPNOTE 4.3.12); archives beyond 4 GiB (ZIP64) are refused. */
function listEntries(bytes: Buffer, where: string): Map<string, Entry> {
  const damaged = (): UserError =>
    new UserError({
      what: "the archive is damaged or cut short",
      where,
      expected: "a file as numpy.savez writes it",
      mend: "save the arrays again with numpy.savez",
    });
  let end = bytes.length - 22;
  // The end record may be followed by a comment of at most 65,535 bytes.
  const lowest = Math.max(0, end - 65_535);
  while (end >= lowest && bytes.readUInt32LE(end) !== endSignature) end--;
  if (end < lowest || end < 0) throw damaged();
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  if (count === 0xffff || at === 0xffffffff) {
    throw new UserError({
      what: "the archive is larger than 4 GiB (ZIP64)",
      where,
      mend: "save the arrays as .npy files",
    });
  }
  const entries = new Map<string, Entry>();
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== entrySignature) throw damaged();
    const nameBytes = bytes.readUInt16LE(at + 28);
    entries.set(bytes.toString("utf8", at + 46, at + 46 + nameBytes), {
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      storedBytes: bytes.readUInt32LE(at + 20),
      plainBytes: bytes.readUInt32LE(at + 24),
      localAt: bytes.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return entries;
}

function extract(bytes: Buffer, entry: Entry, where: string): Uint8Array {
  const problem = (what: string, cause?: unknown): UserError =>
    new UserError({ what, where, mend: "write the archive again", cause });
  if (entry.localAt + 30 > bytes.length || bytes.readUInt32LE(entry.localAt) !== localSignature) {
    throw problem("the archive is damaged");
  }
  const start =
    entry.localAt + 30 + bytes.readUInt16LE(entry.localAt + 26) + bytes.readUInt16LE(entry.localAt + 28);
  const stored = bytes.subarray(start, start + entry.storedBytes);
  if (entry.method !== 0 && entry.method !== 8)
    throw problem(`is packed by a method (${entry.method}) not read here`);
  let plain: Uint8Array;
  try {
    plain = entry.method === 8 ? inflateRawSync(stored, { maxOutputLength: entry.plainBytes + 1 }) : stored;
  } catch (error) {
    throw problem("the array is damaged", error);
  }
  if (plain.length !== entry.plainBytes || crc32(plain) !== entry.crc)
    throw problem("the array is damaged (checksum)");
  return plain;
}
