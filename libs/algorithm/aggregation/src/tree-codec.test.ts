import { type Codec, codecs, encodedBytes, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import type { TreeNode } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReducer } from "./reducer.ts";
import { alignedSplit } from "./split.ts";
import { maximalNodes, nodeName, nodeRange, rootLevel, rootOf } from "./tree.ts";
import { gradientDtype, isRounded, travellingNodes, travels, type TreeCodec } from "./tree-codec.ts";
import { float32Values, keptFloat32Values } from "./value-store.ts";

const length = 300;
const arithmetic = loadArithmetic();
const [first, second] = [arithmetic.allocate(length * 4), arithmetic.allocate(length * 4)];

function leavesOf(slots: number, seed: number): Float32Array[] {
  return Array.from({ length: slots }, (_, slot) => {
    arithmetic.fillNormal(first, length, randomKey(seed, slot), 0, 0, 1 + slot);
    return arithmetic.f32(first, length).slice();
  });
}

function roundedBy(codec: Codec, values: Float32Array): Float32Array {
  arithmetic.f32(first, length).set(values);
  arithmetic.roundTo(codec, first, first, length);
  return arithmetic.f32(first, length).slice();
}

/** The definition, read literally. */
function valueOf(codec: TreeCodec, node: TreeNode, slots: number, leaves: Float32Array[]): Float32Array {
  const sum = (): Float32Array => {
    if (node.level === 0) return leaves[node.index] as Float32Array;
    const left = { level: node.level - 1, index: 2 * node.index };
    const right = { level: node.level - 1, index: 2 * node.index + 1 };
    const a = valueOf(codec, left, slots, leaves);
    if (nodeRange(right, slots).start >= slots) return a;
    const b = valueOf(codec, right, slots, leaves);
    arithmetic.f32(first, length).set(a);
    arithmetic.f32(second, length).set(b);
    arithmetic.add(first, first, second, length);
    return arithmetic.f32(first, length).slice();
  };
  return isRounded(codec, node.level) ? roundedBy(codec.codec, sum()) : sum();
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer).slice();

/** A worker's sums of a range of slots, added in any order: what it would send. */
function sent(codec: TreeCodec, slots: number, order: readonly number[], leaves: Float32Array[]) {
  const values = keptFloat32Values(arithmetic, length);
  const reducer = createReducer({
    ...{ slots, values },
    rounding: {
      at: (level) => isRounded(codec, level),
      round: (value) => values.round(codec.codec, value),
    },
    travels: (node) => travels(codec, node, slots),
  });
  for (const slot of order) {
    const node = { level: 0, index: slot };
    const bytes = bytesOf(leaves[slot] as Float32Array);
    if (isRounded(codec, 0)) reducer.adopt(node, values.round(codec.codec, values.take(bytes)));
    else reducer.accept(node, bytes);
  }
  const nodes = reducer.heldNodes().map(({ node, value }) => ({
    node,
    bytes: isRounded(codec, node.level)
      ? values.encoded(codec.codec, value, 0, length)
      : values.view(value, 0, length).slice(),
  }));
  reducer.reset();
  return nodes;
}

const cases = fc
  .record({
    slots: fc.integer({ min: 1, max: 21 }),
    codec: fc.constantFrom(...codecs),
    weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
    seed: fc.nat(1000),
  })
  .chain((one) =>
    fc.record({
      ...Object.fromEntries(Object.entries(one).map(([key, value]) => [key, fc.constant(value)])),
      level: fc.oneof(fc.constant("every" as const), fc.nat(rootLevel(one.slots))),
      order: fc.shuffledSubarray([...Array(one.slots).keys()], { minLength: one.slots }),
    }),
  ) as fc.Arbitrary<{
  slots: number;
  codec: Codec;
  weights: number[];
  seed: number;
  level: number | "every";
  order: number[];
}>;

describe("a tree whose sums are rounded", () => {
  test("has the values of its definition, whoever holds which slots, and sends no more than it must", () => {
    fc.assert(
      fc.property(cases, ({ slots, codec: name, weights, seed, level, order }) => {
        const codec: TreeCodec = { codec: name, level };
        const leaves = leavesOf(slots, seed);
        const used = arithmetic.usedBytes;
        const values = float32Values(arithmetic, length);
        const shard = createReducer({
          ...{ slots, values },
          rounding: {
            at: (at) => isRounded(codec, at),
            round: (sum: number) => values.round(codec.codec, sum),
          },
        });
        const ranges = alignedSplit(slots, weights);
        for (const { start, end } of ranges) {
          const own = order.filter((slot) => start <= slot && slot < end);
          const nodes = sent(codec, slots, own, leaves);
          expect(nodes.map(({ node }) => nodeName(node))).toEqual(
            travellingNodes(codec, start, end, slots).map(nodeName),
          );
          const total = nodes.reduce((sum, { bytes }) => sum + bytes.length, 0);
          expect(total).toBeLessThanOrEqual(maximalNodes(start, end, slots).length * length * 4);
          for (const { node, bytes } of nodes) {
            const isEncoded = gradientDtype(codec, node) !== "F32";
            expect(bytes.length).toBe(isEncoded ? encodedBytes(name, length) : length * 4);
            if (isEncoded) shard.adopt(node, values.takeEncoded(name, bytes));
            else shard.accept(node, bytes);
          }
        }
        const expected = bytesOf(valueOf(codec, rootOf(slots), slots, leaves));
        expect(arithmetic.u8(shard.result(), length * 4).slice()).toEqual(expected);
        shard.reset();
        expect(arithmetic.usedBytes).toBe(used);
      }),
      { numRuns: 300 },
    );
  });

  test("travels encoded below four parts of int8 and two halves, and as one float32 sum from there on", () => {
    const names = (codec: TreeCodec, start: number, end: number, slots: number): string =>
      travellingNodes(codec, start, end, slots).map(nodeName).join(" ");
    expect(names({ codec: "int8", level: 0 }, 0, 2, 8)).toBe("0:0 0:1");
    expect(names({ codec: "int8", level: 0 }, 0, 4, 8)).toBe("2:0");
    expect(names({ codec: "int8", level: 1 }, 0, 7, 7)).toBe("3:0");
    expect(names({ codec: "int8", level: 1 }, 0, 6, 6)).toBe("1:0 1:1 1:2");
    expect(names({ codec: "int8", level: 1 }, 0, 3, 8)).toBe("1:0 0:2");
    expect(names({ codec: "bf16", level: 0 }, 0, 2, 8)).toBe("1:0");
    expect(names({ codec: "int8", level: "every" }, 0, 2, 8)).toBe("1:0");
  });
});
