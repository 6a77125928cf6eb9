import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combineCrc32 } from "./crc32-combine.ts";

describe("the checksum of two pieces in a row", () => {
  it("follows from those of the pieces", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 3000 }), (first, second) => {
        const both = Buffer.concat([first, second]);
        expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(both));
      }),
      { numRuns: 300 },
    );
  });

  it("does so for pieces of many megabytes", () => {
    const first = Buffer.from("weights");
    const second = Buffer.alloc(40_000_001, 0xa7);
    expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(
      crc32(Buffer.concat([first, second])),
    );
  });
});
