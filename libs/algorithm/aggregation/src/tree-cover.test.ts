import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createReducer } from "./reducer.ts";
import { isAncestor, rootLevel } from "./tree.ts";
import { TreeCover } from "./tree-cover.ts";
import type { ValueStore } from "./value-store.ts";

/** Nothing is added: what is held is all that is asked of the reducer. */
const nothing: ValueStore<null> = { take: () => null, add: () => null, release: () => undefined };

describe("what is covered of a tree", () => {
  it("is what a reducer holds of the same nodes, in whatever order they come", () => {
    const node = fc.record({ level: fc.nat({ max: 6 }), index: fc.nat({ max: 63 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(node, { maxLength: 60 }), (slots, nodes) => {
        const cover = new TreeCover(slots);
        const reducer = createReducer({ slots, values: nothing });
        for (const one of nodes) {
          if (one.level > rootLevel(slots) || one.index * (1 << one.level) >= slots) continue;
          const isCovered = reducer.heldNodes().some(({ node: held }) => isAncestor(held, one));
          expect(cover.has(one)).toBe(isCovered);
          const before = cover.size;
          const growth = cover.growth(one);
          reducer.adopt(one, null);
          cover.add(one);
          if (!isCovered) expect(cover.size).toBe(before + growth);
          expect(cover.size).toBe(reducer.heldNodes().length);
          expect(cover.firstMissing() === slots).toBe(reducer.isComplete());
        }
      }),
    );
  });
});
