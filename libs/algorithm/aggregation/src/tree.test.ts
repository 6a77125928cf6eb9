import type { TreeNode } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isAncestor,
  isNodeOf,
  maximalNodes,
  nodeRange,
  parentOf,
  rootLevel,
  rootOf,
  siblingOf,
} from "./tree.ts";

const slotRange = fc
  .integer({ min: 1, max: 70 })
  .chain((slots) => fc.tuple(fc.constant(slots), fc.nat(slots), fc.nat(slots)))
  .map(([slots, a, b]) => ({ slots, start: Math.min(a, b), end: Math.max(a, b) }));

function allNodes(slots: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let level = 0; level <= rootLevel(slots); level++) {
    for (let index = 0; index * 2 ** level < slots; index++) nodes.push({ level, index });
  }
  return nodes;
}

describe("the fixed tree over slots", () => {
  test("has its root at the level of the next power of two", () => {
    expect([1, 2, 3, 4, 5, 8, 9, 1024, 1025].map(rootLevel)).toEqual([0, 1, 2, 2, 3, 3, 4, 10, 11]);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 30 + 1])("refuses %s slots", (slots) => {
    expect(() => rootLevel(slots)).toThrow(RangeError);
  });

  test("cuts the last node of a level to the number of slots", () => {
    expect(nodeRange({ level: 2, index: 1 }, 6)).toEqual({ start: 4, end: 6 });
    expect(siblingOf({ level: 0, index: 6 }, 7)).toBeUndefined();
    expect(siblingOf({ level: 0, index: 5 }, 7)).toEqual({ level: 0, index: 4 });
    expect(siblingOf(rootOf(7), 7)).toBeUndefined();
    expect(isNodeOf({ level: 0, index: 7 }, 7)).toBe(false);
    expect(isNodeOf({ level: 4, index: 0 }, 7)).toBe(false);
  });

  test("gives each parent exactly the slots of its children", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (slots) => {
        for (const node of allNodes(slots)) {
          const parent = parentOf(node, slots);
          if (parent === undefined) {
            expect(node).toEqual(rootOf(slots));
            continue;
          }
          const sibling = siblingOf(node, slots);
          const ranges = [node, ...(sibling === undefined ? [] : [sibling])]
            .map((child) => nodeRange(child, slots))
            .sort((a, b) => a.start - b.start);
          expect(nodeRange(parent, slots)).toEqual({ start: ranges[0]?.start, end: ranges.at(-1)?.end });
          expect(isAncestor(parent, node)).toBe(true);
          expect(isAncestor(node, parent)).toBe(false);
        }
      }),
    );
  });

  test("covers any range with disjoint nodes in slot order, and with the fewest", () => {
    fc.assert(
      fc.property(slotRange, ({ slots, start, end }) => {
        const nodes = maximalNodes(start, end, slots);
        let at = start;
        for (const node of nodes) {
          expect(isNodeOf(node, slots)).toBe(true);
          const range = nodeRange(node, slots);
          expect(range.start).toBe(at);
          at = range.end;
        }
        expect(at).toBe(end);
        for (const node of nodes) {
          const parent = parentOf(node, slots);
          if (parent === undefined) continue;
          const range = nodeRange(parent, slots);
          expect(range.start >= start && range.end <= end, "a parent would have fitted").toBe(false);
        }
      }),
    );
  });

  test("refuses a range outside the slots", () => {
    expect(() => maximalNodes(2, 9, 8)).toThrow(RangeError);
    expect(() => maximalNodes(3, 2, 8)).toThrow(RangeError);
  });
});
