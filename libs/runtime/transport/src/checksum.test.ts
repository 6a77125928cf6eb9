import { createRequire } from "node:module";
import { crc32 as plain } from "@latentweave/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checksum } from "./checksum.ts";

test("checksums of frames are the package's on this machine, and those of plain JavaScript", () => {
  const native = createRequire(import.meta.url)("@node-rs/crc32") as { readonly crc32: unknown };
  expect(checksum).toBe(native.crc32);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.nat({ max: 9 }),
      fc.nat({ max: 2 ** 32 - 1 }),
      (bytes, from, before) => {
        const part = bytes.subarray(from);
        expect(checksum(part, before)).toBe(plain(part, before));
      },
    ),
  );
});
