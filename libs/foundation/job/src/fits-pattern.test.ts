import { describe, expect, it } from "vitest";
import { fitsPattern } from "./fits-pattern.ts";

describe("a pattern of names", () => {
  it.each([
    ["shared/*", "shared/trunk/0/kernel", true],
    ["shared/*", "digits/shared/0", false],
    ["*/kernel", "a/encoder/0/kernel", true],
    ["*/kernel", "a/encoder/0/kernels", false],
    ["a/*/bias", "a/encoder/0/bias", true],
    ["a.b", "axb", false],
    ["a+b(c)", "a+b(c)", true],
    ["*", "", true],
    ["a", "a", true],
  ])("%s fits %s: %s", (pattern, name, fits) => {
    expect(fitsPattern(pattern, name)).toBe(fits);
  });
});
