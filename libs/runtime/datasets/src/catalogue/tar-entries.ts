import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";

const blockBytes = 512;

/**
 * The plain files of a gzipped tar archive (POSIX ustar, as npm packs) whose path `wanted` accepts, one at a time.
 * Nothing is written to disk, so a path in the archive can do no harm.
 * @throws Error when the archive is damaged or cut short
 */
export async function* tarEntries(
  file: string,
  wanted: (path: string) => boolean,
): AsyncGenerator<{ path: string; bytes: Uint8Array }> {
  const take = blockReader(createReadStream(file).pipe(createGunzip()));
  for (;;) {
    const header = await take(blockBytes);
    if (header.every((byte) => byte === 0)) return;
    const bytes = Number.parseInt(text(header, 124, 12), 8);
    if (!Number.isSafeInteger(bytes) || text(header, 257, 5) !== "ustar")
      throw new Error(`${file}: no tar archive`);
    const prefix = text(header, 345, 155);
    const path = prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100);
    const type = text(header, 156, 1);
    const content = await take(Math.ceil(bytes / blockBytes) * blockBytes);
    if ((type === "0" || type === "") && wanted(path)) yield { path, bytes: content.subarray(0, bytes) };
  }
}

/** Reads exactly so many bytes from a stream, in order. */
function blockReader(stream: AsyncIterable<Buffer>): (bytes: number) => Promise<Buffer> {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return async (bytes) => {
    const parts = [rest];
    let have = rest.length;
    while (have < bytes) {
      const next = await chunks.next();
      if (next.done) throw new Error("the archive is cut short");
      parts.push(next.value);
      have += next.value.length;
    }
    const joined = parts.length === 1 ? rest : Buffer.concat(parts, have);
    rest = joined.subarray(bytes);
    return joined.subarray(0, bytes);
  };
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end).trim();
}
