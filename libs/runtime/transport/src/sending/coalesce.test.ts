import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coalesce } from "./coalesce.ts";

describe("joining small pieces", () => {
  it("keeps every byte in its place", () => {
    const piece = fc
      .nat(20_000)
      .map((length) => Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        expect(Buffer.compare(Buffer.concat(coalesce(pieces)), Buffer.concat(pieces))).toBe(0);
      }),
    );
  });

  it("sends a header with many small slices as one piece, and a large slice as its own memory", () => {
    const small = Array.from({ length: 21 }, (_, i) => new Uint8Array(100).fill(i));
    const large = new Uint8Array(100_000);
    const joined = coalesce([...small, large, new Uint8Array(3)]);
    expect(joined.map((piece) => piece.length)).toEqual([2100, 100_000, 3]);
    expect(joined[1]).toBe(large);
  });
});
