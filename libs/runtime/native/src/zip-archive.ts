import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rename, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";

/** One file of a ZIP archive, as its central directory describes it. */
interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly plainBytes: number;
  readonly headerOffset: number;
  readonly executable: boolean;
}

const endRecordBytes = 22;
const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localHeaderBytes = 30;
const zip64Marker = 0xffffffff;

/**
 * Extracts the files that `wanted` accepts from a ZIP archive (a Python wheel is one) into `directory`, each checked
 * against its CRC-32 and renamed into place when whole. Streams: memory does not grow with the file.
 * Throws on encrypted, ZIP64 or damaged archives and on names that leave the directory.
 */
export async function extractZip(
  archive: string,
  directory: string,
  wanted: (name: string) => boolean,
  onBytes: (plainBytes: number) => void = () => {},
): Promise<string[]> {
  const file = await open(archive, "r");
  try {
    const entries = (await readCentralDirectory(file, archive)).filter((entry) => wanted(entry.name));
    for (const entry of entries) await extractEntry(file, archive, entry, directory, onBytes);
    return entries.map((entry) => entry.name);
  } finally {
    await file.close();
  }
}

async function readCentralDirectory(file: FileHandle, archive: string): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  // The end record is followed by a comment of at most 65,535 bytes.
  const tailBytes = Math.min(size, endRecordBytes + 0xffff);
  const tail = Buffer.alloc(tailBytes);
  await file.read(tail, 0, tailBytes, size - tailBytes);
  let end = tailBytes - endRecordBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end -= 1;
  if (end < 0) throw new Error(`${archive} is not a whole ZIP archive`);
  const directoryBytes = tail.readUInt32LE(end + 12);
  const directoryOffset = tail.readUInt32LE(end + 16);
  if (directoryOffset === zip64Marker)
    throw new Error(`${archive} is a ZIP64 archive, which is not read here`);
  const table = Buffer.alloc(directoryBytes);
  await file.read(table, 0, directoryBytes, directoryOffset);
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directoryBytes;) {
    if (table.readUInt32LE(at) !== entrySignature) throw new Error(`${archive}: damaged table of contents`);
    const nameBytes = table.readUInt16LE(at + 28);
    const name = table.toString("utf8", at + 46, at + 46 + nameBytes);
    entries.push({
      name,
      method: table.readUInt16LE(at + 10),
      crc: table.readUInt32LE(at + 16),
      packedBytes: table.readUInt32LE(at + 20),
      plainBytes: table.readUInt32LE(at + 24),
      headerOffset: table.readUInt32LE(at + 42),
      // The upper half of the external attributes is the Unix mode.
      executable: ((table.readUInt32LE(at + 38) >>> 16) & 0o111) !== 0,
    });
    at += 46 + nameBytes + table.readUInt16LE(at + 30) + table.readUInt16LE(at + 32);
  }
  return entries.filter((entry) => !entry.name.endsWith("/"));
}

async function extractEntry(
  file: FileHandle,
  archive: string,
  entry: ZipEntry,
  directory: string,
  onBytes: (plainBytes: number) => void,
): Promise<void> {
  const target = path.resolve(directory, entry.name);
  if (!target.startsWith(path.resolve(directory) + path.sep))
    throw new Error(`${archive}: unsafe name ${entry.name}`);
  if (entry.method !== 0 && entry.method !== 8)
    throw new Error(`${archive}: ${entry.name} uses an unknown compression`);
  const header = Buffer.alloc(localHeaderBytes);
  await file.read(header, 0, localHeaderBytes, entry.headerOffset);
  const start = entry.headerOffset + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  await mkdir(path.dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  let crc = 0;
  let plainBytes = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      crc = crc32(chunk, crc);
      plainBytes += chunk.length;
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  if (entry.packedBytes > 0) {
    const packed = createReadStream(archive, {
      start,
      end: start + entry.packedBytes - 1,
      highWaterMark: 1 << 20,
    });
    const output = createWriteStream(partial, { mode: entry.executable ? 0o755 : 0o644 });
    if (entry.method === 0) await pipeline(packed, check, output);
    else await pipeline(packed, createInflateRaw({ chunkSize: 1 << 20 }), check, output);
  } else {
    await (await open(partial, "w")).close();
  }
  if (plainBytes !== entry.plainBytes || crc !== entry.crc)
    throw new Error(`${archive}: ${entry.name} is damaged`);
  await rename(partial, target);
}
