import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

describe("the nearest known name", () => {
  it.each([
    ["kitten", "sitting", 3],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["flaw", "lawn", 2],
  ])("takes %s to %s in %i edits", (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
  });

  it("is a distance: symmetric, and never longer by way of a third word", () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });

  it("is none when nothing is near", () => {
    expect(nearest("wallpaper", ["seed", "steps"])).toBeUndefined();
    expect(nearest("stesp", ["seed", "steps"])).toBe("steps");
  });
});
