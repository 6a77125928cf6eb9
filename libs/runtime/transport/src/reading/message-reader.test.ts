import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageMemory } from "../message-memory.ts";
import { MessageReader } from "./message-reader.ts";

const maxBytes = 800_000;

interface Part {
  readonly payload: Uint8Array;
  readonly opcode: number;
  readonly fin: boolean;
  readonly mask: boolean;
}

/** RFC 6455, section 5.2, masked with zeros. */
function framed({ payload, opcode, fin, mask }: Part): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (mask ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc(mask ? 4 : 0), payload]);
}

interface Outcome {
  readonly messages: Uint8Array[];
  readonly sums: (number | undefined)[];
  readonly rest: Buffer[];
  tooLarge: number;
}

function reading(masked: boolean, memory = new MessageMemory()): { reader: MessageReader; got: Outcome } {
  const got: Outcome = { messages: [], sums: [], rest: [], tooLarge: 0 };
  const reader = new MessageReader(masked, maxBytes, memory, crc32, {
    message(bytes, sum) {
      got.messages.push(bytes.slice());
      got.sums.push(sum);
    },
    rest: (bytes) => got.rest.push(Buffer.from(bytes)),
    tooLarge: () => (got.tooLarge += 1),
  });
  return { reader, got };
}

/** As a socket gives them: to where the reader wants them, where it says so, in reads of any length. */
function feed(reader: MessageReader, bytes: Uint8Array, cuts: readonly number[]): void {
  const common = new Uint8Array(40_000);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const room = reader.room();
    const most = Math.min(cuts[i % cuts.length] ?? 1, (room ?? common).length);
    const part = bytes.subarray(at, at + most);
    (room ?? common).set(part);
    if (room) reader.wrote(part.length);
    else reader.take(common.subarray(0, part.length));
    at += part.length;
    common.fill(0xee);
  }
}

const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 0xff);

const lengths = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 300 }) },
  fc.constantFrom(125, 126, 65_535, 65_536, 32 * 1024, 32 * 1024 - 1),
  fc.nat({ max: 90_000 }),
);
/** A message in fragments, with pings between them. */
const messages = fc.array(
  fc.record({ fragments: fc.array(lengths, { minLength: 1, maxLength: 3 }), pings: fc.boolean() }),
  { maxLength: 5 },
);
const cutLengths = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1000, max: 80_000 })),
  {
    minLength: 1,
    maxLength: 6,
  },
);

describe("binary messages in a WebSocket's stream", () => {
  test("come whole and in order, and control frames go on as they were, however the bytes are cut", () => {
    fc.assert(
      fc.property(messages, cutLengths, fc.boolean(), (all, cuts, masked) => {
        const expected: Uint8Array[] = [];
        const control: Buffer[] = [];
        const stream = all.flatMap(({ fragments, pings }, i) => {
          const payloads = fragments.map((length, j) => bytesOf(length, 7 * i + j));
          expected.push(Buffer.concat(payloads));
          return payloads.flatMap((payload, j) => {
            const fin = j === payloads.length - 1;
            const ping = framed({ payload: bytesOf(8, j), opcode: 9, fin: true, mask: masked });
            if (pings) control.push(ping);
            const frame = framed({ payload, opcode: j === 0 ? 2 : 0, fin, mask: masked });
            return pings ? [ping, frame] : [frame];
          });
        });
        const { reader, got } = reading(masked);
        feed(reader, Buffer.concat(stream), cuts);
        expect(
          got.messages.map((bytes) => Buffer.from(bytes).equals(Buffer.from(expected.shift() ?? []))),
        ).toEqual(all.map(() => true));
        for (const [i, sum] of got.sums.entries())
          expect([undefined, crc32(got.messages[i] ?? "")]).toContain(sum);
        expect(Buffer.concat(got.rest).equals(Buffer.concat(control))).toBe(true);
        expect(got.tooLarge).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("have their checksum taken on the way, where they are large and need not be unmasked", () => {
    const payloads = [bytesOf(400_000, 1), bytesOf(300_000, 2)];
    const stream = Buffer.concat([
      framed({ payload: payloads[0] as Uint8Array, opcode: 2, fin: false, mask: true }),
      framed({ payload: payloads[1] as Uint8Array, opcode: 0, fin: true, mask: true }),
    ]);
    for (const cuts of [[50_000], [999, 70_000, 1]]) {
      const { reader, got } = reading(true);
      feed(reader, stream, cuts);
      expect(got.sums).toEqual([crc32(Buffer.concat(payloads))]);
    }
    stream[13] = 1;
    const { reader, got } = reading(true);
    feed(reader, stream, [50_000]);
    expect(got.messages).toHaveLength(1);
    expect(got.sums).toEqual([undefined]);
  });

  test.each([10, 100_000])("are unmasked where their %i bytes are masked", (length) => {
    const payload = bytesOf(length, 3);
    const frame = framed({ payload, opcode: 2, fin: true, mask: true });
    const key = Buffer.from([1, 130, 7, 255]);
    const head = frame.length - length;
    key.copy(frame, head - 4);
    payload.forEach((byte, i) => (frame[head + i] = byte ^ (key[i & 3] ?? 0)));
    const { reader, got } = reading(true);
    feed(reader, frame, [5000]);
    expect(got.messages.map((bytes) => Buffer.from(bytes).equals(Buffer.from(payload)))).toEqual([true]);
  });

  const text = { payload: bytesOf(5, 0), opcode: 1, fin: true, mask: false };
  const start = { payload: bytesOf(5, 0), opcode: 2, fin: false, mask: false };
  test.each<[string, readonly Part[], number]>([
    ["a text message", [text], 0],
    ["a continuation of nothing", [{ ...text, opcode: 0 }], 0],
    ["a second message inside of the first", [start, { ...start, fin: true }], 1],
    ["a masked frame where none is masked", [{ ...start, fin: true, mask: true }], 0],
    ["a ping in fragments", [{ ...start, opcode: 9 }], 0],
    ["a ping that is too long", [{ payload: bytesOf(126, 1), opcode: 9, fin: true, mask: false }], 0],
  ])("end with %s: it and all that follows goes on", (_, parts, regular) => {
    const frames = parts.map(framed);
    const after = framed({ ...start, fin: true });
    const { reader, got } = reading(false);
    feed(reader, Buffer.concat([...frames, after]), [3]);
    expect(got.messages).toEqual([]);
    expect(Buffer.concat(got.rest)).toEqual(Buffer.concat([...frames.slice(regular), after]));
  });

  test("over the limit are said to be, once, before memory is taken for them", () => {
    const memory = new MessageMemory();
    const asked: number[] = [];
    const take = memory.take.bind(memory);
    memory.take = (bytes, fresh) => (asked.push(fresh ?? bytes), take(bytes, fresh));
    const { reader, got } = reading(false, memory);
    const first = framed({ payload: bytesOf(700_000, 1), opcode: 2, fin: false, mask: false });
    const second = framed({ payload: bytesOf(100_001, 2), opcode: 0, fin: true, mask: false });
    feed(reader, Buffer.concat([first, second, second]), [9999]);
    expect([got.messages, got.rest, got.tooLarge]).toEqual([[], [], 1]);
    expect(Math.max(...asked)).toBeLessThanOrEqual(maxBytes);
  });

  test("that claim gigabytes get memory as their bytes come", () => {
    const memory = new MessageMemory();
    const asked: number[] = [];
    memory.take = (bytes, fresh) => (asked.push(fresh ?? bytes), new Uint8Array(1024));
    const reader = new MessageReader(false, 2 ** 31 - 1, memory, crc32, {
      message: () => undefined,
      rest: () => undefined,
      tooLarge: () => undefined,
    });
    const head = Buffer.alloc(10);
    head.set([0x82, 127]);
    head.writeBigUInt64BE(2n ** 31n - 2n, 2);
    reader.take(head);
    reader.take(new Uint8Array(1));
    expect(asked).toEqual([64 * 1024 * 1024]);
  });

  test("that come in many small fragments are put together without being moved for each", () => {
    let taken = 0;
    class Counted extends MessageMemory {
      override take(bytes: number, fresh?: number): Uint8Array {
        taken += 1;
        return super.take(bytes, fresh);
      }
    }
    const { reader, got } = reading(false, new Counted());
    const fragments = 700;
    const payload = (at: number): Uint8Array => new Uint8Array(1_000).fill(at % 251);
    for (let at = 0; at < fragments; at++) {
      const [opcode, fin] = [at === 0 ? 2 : 0, at === fragments - 1];
      feed(reader, framed({ payload: payload(at), opcode, fin, mask: false }), [100_000]);
    }
    expect(got.messages[0]).toEqual(
      Uint8Array.from(Buffer.concat(Array.from({ length: fragments }, (_, at) => payload(at)))),
    );
    expect(taken).toBeLessThan(5);
  });
});

describe("memory for messages", () => {
  test("is used again, the smallest that is large enough first", () => {
    const memory = new MessageMemory();
    const large = memory.take(4_000_000);
    const small = memory.take(1_000_000);
    memory.give(large);
    memory.give(small);
    expect(memory.take(900_000)).toBe(small);
    expect(memory.take(900_000)).toBe(large);
  });

  test("is left alone by what needs much less: it would be lacking for what needs it", () => {
    const memory = new MessageMemory();
    const large = memory.take(4_000_000);
    memory.give(large);
    expect(memory.take(400_000)).not.toBe(large);
    expect(memory.take(4_000_000)).toBe(large);
  });

  test("that nobody needed for half a minute goes back", () => {
    let now = 0;
    const memory = new MessageMemory(() => now);
    const [old, young] = [memory.take(1_000_000), memory.take(1_000_000)];
    memory.give(old);
    now = 30_001;
    memory.give(young);
    expect(memory.take(1_000_000)).toBe(young);
    expect(memory.take(1_000_000)).not.toBe(old);
  });
});
