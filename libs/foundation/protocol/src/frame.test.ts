import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError } from "./frame-error.ts";
import { decodeFrame, encodeFrame, frameBytes, maxSlices, sliceAlignmentBytes } from "./frame.ts";

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(frameBytes(pieces));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
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
const slices = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 });

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
        expect(frame.slices).toEqual(tensors);
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
        expect(frame.slices).toEqual(tensors);
        for (const slice of frame.slices) expect(slice.byteOffset % 8).toBe(0);
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
    const tensor = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
    const pieces = encodeFrame({ type: "x" }, [tensor]);
    expect(pieces.some((piece) => piece === tensor)).toBe(true);
    const whole = join(pieces);
    expect(decodeFrame(whole).slices[0]?.buffer).toBe(whole.buffer);
    expect(decodeFrame(pieces).slices[0]?.buffer).toBe(tensor.buffer);
  });

  it("has the byte layout that docs/protocol.md gives", () => {
    const whole = join(encodeFrame({ type: "a" }, [Uint8Array.of(7, 8)]));
    const expected = new Uint8Array(66);
    expected.set([0x4c, 0x57, 0x46, 1, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    expected.set([0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa1, 0x61], 20);
    expected.set([7, 8], 64);
    expect(whole).toEqual(expected);
  });

  it("leaves out fields that are undefined", () => {
    expect(decodeFrame(join(encodeFrame({ type: "a", more: undefined }))).message).toEqual({ type: "a" });
  });
});

describe("bytes that are not a frame", () => {
  it("are named: wherever a frame is cut, it is truncated", () => {
    for (let length = 0; length < sample.length; length++) {
      expect(faultOf(() => decodeFrame(sample.slice(0, length)))).toBe("truncated");
    }
  });

  it("never crash the reader, whichever single bit is flipped", () => {
    for (let bit = 0; bit < 8 * sample.length; bit++) {
      const bytes = sample.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const fault = faultOf(() => decodeFrame(bytes));
      // Every flip in the preamble is noticed. A length may come to cover padding, a header may say something else.
      if (bit < 8 * 16) expect(fault).not.toBe("none");
    }
  });

  it("never crash the reader, whatever they are", () => {
    const start = [0x4c, 0x57, 0x46, 1];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, disguised) => {
        if (disguised) bytes.set(start.slice(0, bytes.length));
        faultOf(() => decodeFrame(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("never crash the reader where the header is hostile MessagePack", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (header) => {
        const bytes = new Uint8Array(16 + header.length);
        bytes.set([0x4c, 0x57, 0x46, 1, header.length]);
        bytes.set(header, 16);
        faultOf(() => decodeFrame(bytes));
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
    const bytes = Uint8Array.from([
      0x4c,
      0x57,
      0x46,
      1,
      header.length,
      ...Array.from({ length: 11 }, () => 0),
      ...header,
    ]);
    expect(faultOf(() => decodeFrame(bytes))).toBe("malformed");
  });

  it("are named for what is wrong with them", () => {
    const with_ = (offset: number, byte: number) => {
      const bytes = sample.slice();
      bytes[offset] = byte;
      return bytes;
    };
    expect(faultOf(() => decodeFrame(with_(0, 0x47)))).toBe("badMagic");
    expect(faultOf(() => decodeFrame(with_(3, 2)))).toBe("wrongVersion");
    expect(faultOf(() => decodeFrame(with_(7, 0x7f)))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(with_(11, 1)))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(with_(12, 1)))).toBe("malformed");
    expect(faultOf(() => decodeFrame(join([sample, Uint8Array.of(0)])))).toBe("trailingBytes");
    expect(faultOf(() => decodeFrame(sample, sample.length - 1))).toBe("tooLarge");
    expect(faultOf(() => decodeFrame(sample, sample.length))).toBe("none");
    const padding = sample.lastIndexOf(0);
    expect(faultOf(() => decodeFrame(with_(padding, 1)))).toBe("malformed");
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
