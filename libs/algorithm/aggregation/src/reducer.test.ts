import { type Arithmetic, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import type { TreeNode } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ForeignNodeError, IncompleteReductionError, createReducer } from "./reducer.ts";
import { alignedSplit } from "./split.ts";
import { maximalNodes, nodeName, nodeRange, rootLevel, rootOf } from "./tree.ts";
import { PayloadLengthError, float32Values, float64Values, keptFloat32Values } from "./value-store.ts";

const length = 5;

/** A value per slot: three elements whose sums depend on order in most bits, two around the edge of denormals. */
function slotValues(slots: number, seed: number): Float32Array[] {
  return Array.from({ length: slots }, (_, slot) =>
    Float32Array.from({ length }, (_, i) => {
      const key = randomKey(seed, slot, i);
      const magnitude = i < 3 ? 10 ** (key.low % 3) : 2 ** ((key.low % 6) - 128);
      return (key.high / 2 ** 32 - 0.5) * magnitude;
    }),
  );
}

const tiny = 2 ** -126;
const flush = (x: number): number => (Math.abs(x) < tiny ? (Object.is(x, -0) || x < 0 ? -0 : 0) : x);

/** The definition, read literally: left + right, a missing right child skipped, each addition flushed. */
function reference(node: TreeNode, slots: number, leaves: Float32Array[]): Float32Array {
  const leaf = leaves[node.index];
  if (node.level === 0) return leaf ?? new Float32Array(length);
  const left = reference({ level: node.level - 1, index: 2 * node.index }, slots, leaves);
  const rightNode = { level: node.level - 1, index: 2 * node.index + 1 };
  if (nodeRange(rightNode, slots).start >= slots) return left;
  const right = reference(rightNode, slots, leaves);
  return left.map((x, i) => flush(Math.fround(flush(x) + flush(right[i] ?? Number.NaN))));
}

const bytesOf = (array: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();

/** Arrivals: every partition piece, then any number of extra nodes, all shuffled. */
const scenario = fc.integer({ min: 1, max: 33 }).chain((slots) => {
  const node = fc
    .integer({ min: 0, max: rootLevel(slots) })
    .chain((level) =>
      fc.record({ level: fc.constant(level), index: fc.nat(Math.floor((slots - 1) / 2 ** level)) }),
    );
  return fc
    .record({
      weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      extras: fc.array(node, { maxLength: 12 }),
      seed: fc.nat(1000),
    })
    .chain(({ weights, extras, seed }) => {
      const partition = alignedSplit(slots, weights).flatMap(({ start, end }) =>
        maximalNodes(start, end, slots),
      );
      const arrivals = [...partition, ...extras];
      return fc.record({
        slots: fc.constant(slots),
        seed: fc.constant(seed),
        arrivals: fc.shuffledSubarray(arrivals, { minLength: arrivals.length, maxLength: arrivals.length }),
      });
    });
});

describe("reducing along the fixed tree", () => {
  test("gives the bits of the definition for any partition, order, duplicates, ancestors and descendants", () => {
    const arithmetic = loadArithmetic();
    fc.assert(
      fc.property(scenario, ({ slots, seed, arrivals }) => {
        const leaves = slotValues(slots, seed);
        const reducer = createReducer({ slots, values: float32Values(arithmetic, length) });
        for (const node of arrivals) reducer.accept(node, bytesOf(reference(node, slots, leaves)));
        expect(reducer.isComplete()).toBe(true);
        const expected = bytesOf(reference(rootOf(slots), slots, leaves));
        expect(arithmetic.u8(reducer.result(), length * 4).slice()).toEqual(expected);
        reducer.reset();
        expect(arithmetic.usedBytes).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  test("gives the same bits of vectors that are handed over, and copies none that is never added", () => {
    const arithmetic = loadArithmetic();
    fc.assert(
      fc.property(scenario, ({ slots, seed, arrivals }) => {
        const leaves = slotValues(slots, seed);
        const values = keptFloat32Values(arithmetic, length);
        const reducer = createReducer({ slots, values });
        const given = new Map(
          arrivals.map((node) => [nodeName(node), bytesOf(reference(node, slots, leaves))] as const),
        );
        for (const [at, node] of arrivals.entries()) {
          reducer.accept(node, given.get(nodeName(node)) as Uint8Array);
          if (at === 0) expect(arithmetic.usedBytes).toBe(0);
          for (const { node: held, value } of reducer.heldNodes())
            expect(values.view(value, 1, length - 1).slice()).toEqual(
              bytesOf(reference(held, slots, leaves)).subarray(4),
            );
        }
        // What was handed over is read, and never written to.
        for (const node of arrivals)
          expect(given.get(nodeName(node))).toEqual(bytesOf(reference(node, slots, leaves)));
        reducer.reset();
        expect(arithmetic.usedBytes).toBe(0);
      }),
      { numRuns: 200 },
    );
    expect(() => keptFloat32Values(arithmetic, 3).take(new Uint8Array(8))).toThrow(PayloadLengthError);
  });

  test("gives the same bits through workers that reduce first as straight from the slots", () => {
    const arithmetic = loadArithmetic();
    const slots = 21;
    const leaves = slotValues(slots, 5);
    const values = float32Values(arithmetic, length);
    const server = createReducer({ slots, values });
    for (const { start, end } of alignedSplit(slots, [5, 2, 4]).reverse()) {
      const worker = createReducer({ slots, values });
      for (let slot = end - 1; slot >= start; slot--) {
        worker.accept({ level: 0, index: slot }, bytesOf(leaves[slot] ?? new Float32Array(length)));
      }
      expect(worker.heldNodes().map(({ node }) => node)).toEqual(maximalNodes(start, end, slots));
      for (const { node, value } of worker.heldNodes()) {
        server.accept(node, arithmetic.u8(value, length * 4).slice());
      }
    }
    expect(arithmetic.u8(server.result(), length * 4).slice()).toEqual(
      bytesOf(reference(rootOf(slots), slots, leaves)),
    );
  });

  test("would differ if slots were added from left to right", () => {
    // Guards the tests above: their values must be able to tell one order from another.
    const leaves = slotValues(21, 5);
    const sequential = leaves.reduce((sum, leaf) => sum.map((x, i) => x + (leaf[i] ?? 0)));
    expect(bytesOf(sequential)).not.toEqual(bytesOf(reference(rootOf(21), 21, leaves)));
  });

  test("drops what is held already, and lets an ancestor replace what lies below it, and counts both", () => {
    const { reducer, leaf } = countingReducer(4);
    expect(reducer.accept({ level: 0, index: 1 }, leaf)).toBe("accepted");
    expect(reducer.accept({ level: 0, index: 1 }, leaf)).toBe("duplicate");
    expect(reducer.accept({ level: 1, index: 0 }, leaf)).toBe("accepted");
    expect(reducer.accept({ level: 0, index: 0 }, leaf)).toBe("duplicate");
    expect(reducer.dropped).toEqual({ duplicates: 2, replaced: 1 });
    expect(reducer.heldNodes().map(({ node }) => node)).toEqual([{ level: 1, index: 0 }]);
    reducer.reset();
    expect(reducer.dropped).toEqual({ duplicates: 0, replaced: 0 });
    expect(reducer.heldNodes()).toEqual([]);
  });

  test("says how many slots are missing when asked too early", () => {
    const { reducer, leaf } = countingReducer(6);
    reducer.accept({ level: 1, index: 2 }, leaf);
    expect(reducer.isComplete()).toBe(false);
    expect(() => reducer.result()).toThrow(new IncompleteReductionError("4 of 6 slots are missing"));
  });

  test("refuses nodes that the tree does not have, and slices of another length", () => {
    const { reducer, leaf } = countingReducer(6);
    for (const node of [
      { level: 0, index: 6 },
      { level: 4, index: 0 },
      { level: -1, index: 0 },
      { level: 0.5, index: 0 },
    ]) {
      expect(() => reducer.accept(node, leaf)).toThrow(ForeignNodeError);
    }
    expect(() => reducer.accept({ level: 0, index: 0 }, leaf.slice(8))).toThrow(PayloadLengthError);
  });

  test("allocates nothing after the first step", () => {
    const arithmetic = loadArithmetic();
    const slots = 9;
    const big = 50_000;
    const reducer = createReducer({ slots, values: float32Values(arithmetic, big) });
    const bytes = new Uint8Array(big * 4);
    const step = () => {
      for (let index = 0; index < slots; index++) reducer.accept({ level: 0, index }, bytes);
      const pointer = reducer.takeResult();
      arithmetic.free(pointer, big * 4);
    };
    step();
    const afterFirst = arithmetic.memoryBytes;
    for (let repeat = 0; repeat < 20; repeat++) step();
    expect(arithmetic.memoryBytes).toBe(afterFirst);
    expect(arithmetic.usedBytes).toBe(0);
  });

  test("hands the result over, so that the next step may begin while it is in use", () => {
    const arithmetic: Arithmetic = loadArithmetic();
    const reducer = createReducer({ slots: 2, values: float32Values(arithmetic, 1) });
    const push = (index: number, x: number) =>
      reducer.accept({ level: 0, index }, bytesOf(Float32Array.of(x)));
    push(0, 1);
    push(1, 2);
    const first = reducer.takeResult();
    expect(reducer.isComplete()).toBe(false);
    push(0, 10);
    push(1, 20);
    expect(arithmetic.f32(first, 1)[0]).toBe(3);
    expect(arithmetic.f32(reducer.result(), 1)[0]).toBe(30);
  });
});

describe("small float64 vectors", () => {
  test("are added along the tree in float64, from bytes at any alignment", () => {
    const leaves = [0.1, 0.2, 0.3, 1e16, -1e16];
    const reducer = createReducer({ slots: 5, values: float64Values(1) });
    [4, 2, 0, 3, 1].forEach((index) => {
      const unaligned = new Uint8Array(9);
      unaligned.set(bytesOf(Float64Array.of(leaves[index] ?? 0)), 1);
      reducer.accept({ level: 0, index }, unaligned.subarray(1));
    });
    expect(reducer.result()[0]).toBe(0.1 + 0.2 + (0.3 + 1e16) + -1e16);
  });

  test("are dropped like any other when held already", () => {
    const reducer = createReducer({ slots: 2, values: float64Values(1) });
    reducer.accept({ level: 1, index: 0 }, bytesOf(Float64Array.of(7)));
    expect(reducer.adopt({ level: 0, index: 1 }, Float64Array.of(9))).toBe("duplicate");
    expect(reducer.result()[0]).toBe(7);
  });
});

function countingReducer(slots: number) {
  return {
    reducer: createReducer({ slots, values: float64Values(2) }),
    leaf: bytesOf(Float64Array.of(1, 2)),
  };
}
