import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 as zlibCrc32 } from "node:zlib";
import { crc32 } from "./crc32.ts";
import { FrameError } from "./frame-error.ts";
import { decodeFrame, encodeFrame, frameBytes, maxSlices } from "./frame.ts";
import { neverChanging, neverChangingTogether } from "./never-changing.ts";
import { sliceAlignmentBytes } from "./slice-layout.ts";

/** As `toEqual`, which looks at large arrays number by number. */
function expectSame(slices: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(slices.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  expect(slices.every((slice, i) => Buffer.compare(slice, expected[i] ?? slice) === 0)).toBe(true);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(frameBytes(pieces));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** The same bytes with the checksum that they ought to have: what is wrong with them was meant. */
function mended(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(16, 0, true);
  view.setUint32(16, zlibCrc32(copy), true);
  return copy;
}

/** A frame without slices whose header is these bytes, whatever they are. */
function withHeader(header: readonly number[] | Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + header.length);
  bytes.set([0x4c, 0x57, 0x46, 2, header.length]);
  bytes.set(header, 20);
  return mended(bytes);
}

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FrameError) return error.fault;
    throw error;
  }
  return "none";
}

const plainText = fc.string({ unit: "grapheme" }).filter((text) => text !== "__proto__");
const leaf = fc.oneof(
  fc.integer(),
  fc.double().filter((x) => !Object.is(x, -0)),
  fc.boolean(),
  fc.constant(null),
  plainText,
);
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(plainText, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const message = fc.dictionary(plainText, plain, { maxKeys: 6, noNullPrototype: true });
/** Beyond what is sent as one piece. */
const large = fc
  .tuple(fc.integer({ min: 129 * 1024, max: 130 * 1024 }), fc.nat(255))
  .map(([length, fill]) => new Uint8Array(length).fill(fill));
const small = fc.uint8Array({ maxLength: 200 });
const slices = fc.array(fc.oneof({ weight: 20, arbitrary: small }, { weight: 1, arbitrary: large }), {
  maxLength: 6,
});

/** A frame that exercises padding, an empty slice and nesting. */
const sample = join(
  encodeFrame({ type: "push", runId: "r", node: { level: 2, index: 1 }, names: ["a", "b"] }, [
    Uint8Array.from({ length: 70 }, (_, i) => i + 1),
    new Uint8Array(0),
    Uint8Array.from({ length: 3 }, (_, i) => i + 1),
  ]),
);

describe("a frame", () => {
  it("comes back as it was written, whatever the message and the slices", () => {
    fc.assert(
      fc.property(message, slices, (value, tensors) => {
        const frame = decodeFrame(join(encodeFrame(value, tensors)));
        expect(frame.message).toEqual(value);
        expectSame(frame.slices, tensors);
      }),
    );
  });

  it("comes back the same from pieces cut anywhere and lying at odd addresses", () => {
    fc.assert(
      fc.property(message, slices, fc.array(fc.nat(1000)), fc.nat(9), (value, tensors, cuts, shift) => {
        const whole = join(encodeFrame(value, tensors));
        const ends = [...new Set([...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort(
          (a, b) => a - b,
        );
        const pieces = ends.map((end, i) => {
          const part = whole.subarray(ends[i - 1] ?? 0, end);
          const moved = new Uint8Array(new ArrayBuffer(part.length + shift), shift);
          moved.set(part);
          return moved;
        });
        const frame = decodeFrame(pieces);
        expect(frame.message).toEqual(value);
        expectSame(frame.slices, tensors);
        for (const slice of frame.slices) expect(slice.byteOffset % 8).toBe(0);
      }),
    );
  });

  it("is the same in every byte where slices are known never to change", () => {
    fc.assert(
      fc.property(message, slices, fc.nat(), (value, tensors, sequence) => {
        const expected = join(encodeFrame(value, tensors, { sequence }));
        const shared = tensors.map((tensor) => neverChanging(tensor.slice()));
        for (const together of [shared, neverChangingTogether(shared)])
          for (const crc32 of [undefined, zlibCrc32]) {
            const pieces = encodeFrame(value, together, { sequence, ...(crc32 && { crc32 }) });
            expect(Buffer.compare(join(pieces), expected)).toBe(0);
          }
      }),
    );
  });

  it("is the same in every byte in memory that it is given, and does not change with its slices", () => {
    fc.assert(
      fc.property(message, slices, fc.nat(100), (value, tensors, spare) => {
        const before = join(encodeFrame(value, tensors, { sequence: 7 }));
        const memory = (bytes: number) => new Uint8Array(bytes + spare).fill(0xaa);
        const [whole, ...more] = encodeFrame(value, tensors, { sequence: 7, memory });
        for (const tensor of tensors) tensor.fill(0);
        expect(more).toEqual([]);
        expect(Buffer.compare(whole as Uint8Array, before)).toBe(0);
      }),
    );
  });

  it("shares the bytes of slices that go to many together", () => {
    const shared = [1, 2, 3].map((fill) => neverChanging(new Uint8Array(1000 * fill).fill(fill)));
    const [first, second] = ["a", "a longer one"].map((type) =>
      encodeFrame({ type }, neverChangingTogether(shared)),
    );
    expect(first).toHaveLength(2);
    expect(second?.[1]).toBe(first?.[1]);
  });

  it("tells the lengths of slices that lie elsewhere, to whoever expects them at the same place, and to nobody else", () => {
    const some = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(message, some, fc.nat(1e9), fc.nat(1e9), (value, tensors, place, other) => {
        const whole = join(encodeFrame(value, tensors, { outsideAt: place }));
        const frame = decodeFrame(whole, { outsideAt: place });
        expect(frame.message).toEqual(value);
        expect(frame.slices).toEqual([]);
        expect(frame.outside).toEqual(tensors.map(({ length }) => length));
        for (const reading of [{}, { outsideAt: other === place ? place + 1 : other }])
          expect(faultOf(() => decodeFrame(whole, reading))).toBe("wrongChecksum");
        // One that carries its slices is read by everybody.
        const inside = join(encodeFrame(value, tensors));
        expectSame(decodeFrame(inside, { outsideAt: place }).slices, tensors);
      }),
    );
  });

  it("starts every slice at a multiple of 64 bytes", () => {
    fc.assert(
      fc.property(message, slices, (value, tensors) => {
        const whole = join(encodeFrame(value, tensors));
        const frame = decodeFrame(whole);
        for (const slice of frame.slices) {
          if (slice.length > 0) expect(slice.byteOffset % sliceAlignmentBytes).toBe(0);
        }
      }),
    );
  });

  it("carries the caller's own memory, and is read as views of what came", () => {
    const tensor = new Uint8Array(new Float32Array(40_000).fill(3).buffer);
    const pieces = encodeFrame({ type: "x" }, [tensor]);
    expect(pieces.some((piece) => piece === tensor)).toBe(true);
    const whole = join(pieces);
    expect(decodeFrame(whole).slices[0]?.buffer).toBe(whole.buffer);
    expect(decodeFrame(pieces).slices[0]?.buffer).toBe(tensor.buffer);
  });

  it("has the byte layout that docs/protocol.md gives", () => {
    const whole = join(encodeFrame({ type: "a" }, [Uint8Array.of(7, 8)], { sequence: 3 }));
    const expected = new Uint8Array(66);
    expected.set([0x4c, 0x57, 0x46, 2, 8, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
    expected.set([0xe4, 0x3f, 0x96, 0x6d, 2, 0, 0, 0], 16);
    expected.set([0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa1, 0x61], 24);
    expected.set([7, 8], 64);
    expect(whole).toEqual(expected);
  });

  it("leaves out fields that are undefined", () => {
    expect(decodeFrame(join(encodeFrame({ type: "a", more: undefined }))).message).toEqual({ type: "a" });
  });
});

describe("bytes that are not a frame", () => {
  it("are named: wherever a frame is cut, it is truncated or its checksum is wrong", () => {
    for (let length = 0; length < sample.length; length++) {
      const fault = faultOf(() => decodeFrame(sample.slice(0, length)));
      expect(fault).toBe(length < 20 ? "truncated" : "wrongChecksum");
      if (length >= 20) expect(faultOf(() => decodeFrame(mended(sample.slice(0, length))))).toBe("truncated");
    }
  });

  it("never crash the reader, whichever single bit is flipped by somebody who mends the checksum", () => {
    for (let bit = 0; bit < 8 * sample.length; bit++) {
      const bytes = sample.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A length may come to cover padding, a header may say something else: not every flip is a fault.
      faultOf(() => decodeFrame(mended(bytes)));
    }
  });

  it("never crash the reader, whatever they are", () => {
    const start = [0x4c, 0x57, 0x46, 2];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, disguised) => {
        if (disguised) bytes.set(start.slice(0, bytes.length));
        faultOf(() => decodeFrame(disguised && bytes.length >= 20 ? mended(bytes) : bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("never crash the reader where the header is hostile MessagePack", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (header) => {
        faultOf(() => decodeFrame(withHeader(header)));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ["an array that announces four billion elements", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a map that announces four billion entries", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["text longer than the header", [0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61]],
    ["an extension type", [0xd4, 0x72, 0x40]],
    ["a map with a number as key", [0x81, 0x01, 0x02]],
    ["two values", [0x01, 0x02]],
    ["arrays nested a hundred deep", [...Array.from({ length: 100 }, () => 0x91), 0xc0]],
  ])("are malformed where the header is %s", (_, header) => {
    expect(faultOf(() => decodeFrame(withHeader(header)))).toBe("malformed");
  });

  it("are named for what is wrong with them", () => {
    const with_ = (offset: number, byte: number) => {
      const bytes = sample.slice();
      bytes[offset] = byte;
      return mended(bytes);
    };
    expect(faultOf(() => decodeFrame(with_(0, 0x47)))).toBe("badMagic");
    expect(faultOf(() => decodeFrame(with_(3, 1)))).toBe("wrongVersion");
    expect(faultOf(() => decodeFrame(with_(7, 0x7f)))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(with_(11, 1)))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(with_(12, 1), { sequence: 0 }))).toBe("outOfOrder");
    expect(faultOf(() => decodeFrame(mended(join([sample, Uint8Array.of(0)]))))).toBe("trailingBytes");
    expect(faultOf(() => decodeFrame(sample, { maxFrameBytes: sample.length - 1 }))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(sample, { maxFrameBytes: sample.length }))).toBe("none");
    const padding = sample.lastIndexOf(0);
    expect(faultOf(() => decodeFrame(with_(padding, 1)))).toBe("malformed");
  });
});

describe("what happens to frames on the way", () => {
  /** What a receiver takes out of frames that arrive in this order, and why it stops. */
  const take = (arriving: readonly Uint8Array[]) => {
    const taken: unknown[] = [];
    try {
      for (const bytes of arriving) taken.push(decodeFrame(bytes, { sequence: taken.length }).message);
    } catch (error) {
      if (error instanceof FrameError) return { taken, damage: error.isDamage };
      throw error;
    }
    return { taken, damage: false };
  };
  const stream = fc.array(fc.tuple(message, slices), { minLength: 2, maxLength: 5 }).map((all) => ({
    messages: all.map(([value]) => value),
    frames: all.map(([value, tensors], sequence) => join(encodeFrame(value, tensors, { sequence }))),
  }));

  it("does not matter where nothing happens, at any place of the count, beyond 2^32 too", () => {
    fc.assert(
      fc.property(stream, ({ messages, frames }) => {
        expect(take(frames)).toEqual({ taken: messages, damage: false });
      }),
    );
    for (const sequence of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]) {
      const frame = decodeFrame(join(encodeFrame({}, [], { sequence })), { sequence });
      expect(frame.sequence).toBe(sequence % 2 ** 32);
    }
  });

  it("is noticed, whichever byte changes into whatever other", () => {
    for (let at = 0; at < sample.length; at++) {
      for (let change = 1; change < 256; change++) {
        const bytes = sample.slice();
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(take([bytes]), `byte ${at} ^ ${change}`).toEqual({ taken: [], damage: true });
      }
    }
  });

  it("is noticed in any frame of a row: a byte, an end that is missing, bytes too many", () => {
    const change = fc.oneof(
      fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) }).map(
        ({ at, xor }) =>
          (bytes: Uint8Array) =>
            bytes.map((byte, i) => (i === at % bytes.length ? byte ^ xor : byte)),
      ),
      fc.nat().map((length) => (bytes: Uint8Array) => bytes.slice(0, length % bytes.length)),
      fc
        .uint8Array({ minLength: 1, maxLength: 100 })
        .map((more) => (bytes: Uint8Array) => join([bytes, more])),
    );
    fc.assert(
      fc.property(stream, fc.nat(), change, ({ messages, frames }, place, damage) => {
        const at = place % frames.length;
        const arriving = frames.map((bytes, i) => (i === at ? damage(bytes) : bytes));
        expect(take(arriving)).toEqual({ taken: messages.slice(0, at), damage: true });
      }),
      { numRuns: 1000 },
    );
  });

  it("is noticed where a frame is repeated, lost, or changes places with another", () => {
    fc.assert(
      fc.property(
        stream,
        fc.constantFrom("repeated", "lost", "swapped"),
        fc.nat(),
        fc.nat(),
        ({ messages, frames }, what, first, second) => {
          const at = first % (frames.length - 1);
          const other = at + 1 + (second % (frames.length - 1 - at));
          const [here, there] = [frames[at]!, frames[other]!];
          const arriving = {
            repeated: frames.toSpliced(other, 0, here),
            lost: frames.toSpliced(at, 1),
            swapped: frames.with(at, there).with(other, here),
          }[what];
          const before = what === "repeated" ? other : at;
          expect(take(arriving)).toEqual({ taken: messages.slice(0, before), damage: true });
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("the checksum", () => {
  it("is believed where it was taken on the way, and notices the same", () => {
    fc.assert(
      fc.property(message, slices, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, tensors, at, flip) => {
        const whole = join(encodeFrame(value, tensors));
        expect(decodeFrame(whole, { sum: crc32(whole) }).message).toEqual(value);
        const changed = Uint8Array.from(whole);
        changed[at % whole.length] = (changed[at % whole.length] as number) ^ flip;
        expect(() => decodeFrame(changed, { sum: crc32(changed) })).toThrow(FrameError);
        expect(() => decodeFrame(whole, { sum: (crc32(whole) ^ flip) >>> 0 })).toThrow(/CRC-32/);
      }),
    );
  });

  it("is the CRC-32 of zlib, in one piece or several", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const whole = zlibCrc32(bytes);
        expect(crc32(bytes)).toBe(whole);
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(whole);
      }),
    );
  });

  it("is written and checked by the function that the caller brings", () => {
    const lengths: number[] = [];
    const counted = (bytes: Uint8Array, before?: number) => {
      lengths.push(bytes.length);
      return zlibCrc32(bytes, before);
    };
    const pieces = encodeFrame({ type: "x" }, [new Uint8Array(100)], { crc32: counted });
    expect(join(pieces)).toEqual(join(encodeFrame({ type: "x" }, [new Uint8Array(100)])));
    decodeFrame(pieces, { crc32: counted });
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(2 * frameBytes(pieces));
  });
});

describe("values that cannot become a frame", () => {
  it("are refused at the sender", () => {
    expect(faultOf(() => encodeFrame({ when: new Date(0) }))).toBe("malformed");
    expect(faultOf(() => encodeFrame({ run: () => 1 }))).toBe("malformed");
    expect(faultOf(() => encodeFrame({ list: [undefined] }))).toBe("malformed");
    expect(
      faultOf(() =>
        encodeFrame(
          {},
          Array.from({ length: maxSlices + 1 }, () => new Uint8Array(0)),
        ),
      ),
    ).toBe("tooLarge");
  });
});
