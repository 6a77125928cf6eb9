/*
 * Owns: finding HTTP heads and WebSocket messages (RFC 6455) in the bytes of one direction of a connection. Does not
 * own: what becomes of them. Bytes that are not understood are handed on as they came; this is no judge.
 */

/** One WebSocket frame as it lay on the wire. */
export interface WireFrame {
  readonly header: Buffer;
  readonly payload: Buffer;
}

export type Unit =
  /** A head, a control frame, or bytes of what is no WebSocket. */
  | { readonly kind: "raw"; readonly bytes: Buffer }
  /** All frames of one message. */
  | { readonly kind: "message"; readonly frames: readonly WireFrame[] };

type Reading = "head" | "frames" | "raw";

const headEnd = Buffer.from("\r\n\r\n");
/** Longer heads are none. */
const maxHeadBytes = 64 * 1024;
/** Longer frames are not gathered. */
const maxPayloadBytes = 2 ** 31 - 1;
const maskedBit = 0x80;
const finBit = 0x80;
const controlBit = 0x08;

export class WireReader {
  readonly #isUpgrade: (head: string) => boolean;
  readonly #alterHead: (head: string) => string;
  #reading: Reading = "head";
  #chunks: Buffer[] = [];
  #gatheredBytes = 0;
  /** As many have to be there before the next unit can be whole. */
  #neededBytes = 1;
  #frames: WireFrame[] = [];

  /**
   * @param isUpgrade whether WebSocket frames follow this head, rather than anything else
   * @param alterHead what is passed on in its place
   */
  constructor(isUpgrade: (head: string) => boolean, alterHead: (head: string) => string = (head) => head) {
    this.#isUpgrade = isUpgrade;
    this.#alterHead = alterHead;
  }

  /** @returns what has become whole with these bytes, in order */
  push(chunk: Buffer): Unit[] {
    this.#chunks.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes < this.#neededBytes) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const units: Unit[] = [];
    for (;;) {
      const used = this.#take(rest, units);
      if (used === 0) break;
      rest = rest.subarray(used);
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#gatheredBytes = rest.length;
    return units;
  }

  /** @returns how many bytes were used */
  #take(bytes: Buffer, units: Unit[]): number {
    this.#neededBytes = 1;
    if (bytes.length === 0) return 0;
    if (this.#reading === "head") return this.#takeHead(bytes, units);
    if (this.#reading === "frames") return this.#takeFrame(bytes, units);
    units.push({ kind: "raw", bytes });
    return bytes.length;
  }

  #takeHead(bytes: Buffer, units: Unit[]): number {
    const at = bytes.indexOf(headEnd);
    if (at < 0 && bytes.length <= maxHeadBytes) return this.#wait(bytes.length + 1);
    const end = at < 0 ? bytes.length : at + headEnd.length;
    const head = bytes.subarray(0, end).toString("latin1");
    this.#reading = at >= 0 && this.#isUpgrade(head) ? "frames" : "raw";
    units.push({ kind: "raw", bytes: Buffer.from(this.#alterHead(head), "latin1") });
    return end;
  }

  #takeFrame(bytes: Buffer, units: Unit[]): number {
    const [first, second] = [bytes[0] ?? 0, bytes[1] ?? 0];
    const short = second & 0x7f;
    const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const headerBytes = 2 + sizeBytes + ((second & maskedBit) === 0 ? 0 : 4);
    if (bytes.length < headerBytes) return this.#wait(headerBytes);
    const payloadBytes =
      sizeBytes === 0 ? short : sizeBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (payloadBytes > maxPayloadBytes) {
      this.#reading = "raw";
      return this.#take(bytes, units);
    }
    const end = headerBytes + payloadBytes;
    if (bytes.length < end) return this.#wait(end);
    if ((first & controlBit) !== 0) {
      units.push({ kind: "raw", bytes: bytes.subarray(0, end) });
      return end;
    }
    this.#frames.push({ header: bytes.subarray(0, headerBytes), payload: bytes.subarray(headerBytes, end) });
    if ((first & finBit) !== 0) {
      units.push({ kind: "message", frames: this.#frames });
      this.#frames = [];
    }
    return end;
  }

  #wait(bytes: number): 0 {
    this.#neededBytes = bytes;
    return 0;
  }
}

export function wireBytes(frames: readonly WireFrame[]): Buffer {
  return Buffer.concat(frames.flatMap(({ header, payload }) => [header, payload]));
}

/** What a message carries, without masks. */
export function payloadOf(frames: readonly WireFrame[]): Buffer {
  return Buffer.concat(
    frames.map(({ header, payload }) => {
      if (((header[1] ?? 0) & maskedBit) === 0) return payload;
      const mask = header.subarray(-4);
      return mask.every((byte) => byte === 0) ? payload : payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0));
    }),
  );
}

/** The same message in one frame with another payload, masked (with zeros) where the original was. */
export function withPayload(frames: readonly WireFrame[], payload: Buffer): WireFrame {
  const opcode = (frames[0]?.header[0] ?? 0) & 0x0f;
  const masked = (frames[0]?.header[1] ?? 0) & maskedBit;
  const header = Buffer.alloc(10 + (masked === 0 ? 0 : 4));
  header[0] = finBit | opcode;
  header[1] = masked | 127;
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return { header, payload };
}
