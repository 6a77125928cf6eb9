import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ArithmeticMemoryError,
  InvalidFreeError,
  pageBytes as arithmeticPageBytes,
  sizeClass,
} from "./arena.ts";
import { loadArithmetic } from "./arithmetic.ts";

describe("the arena", () => {
  test("rounds sizes up by at most a quarter, in multiples of 64", () => {
    expect([0, 1, 64, 65, 512, 513, 640, 65_536, 65_537].map(sizeClass)).toEqual([
      64, 64, 64, 128, 512, 640, 640, 65_536, 81_920,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (bytes) => {
        const size = sizeClass(bytes);
        expect(size % 64).toBe(0);
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size).toBeLessThanOrEqual(Math.max(bytes * 1.25, bytes + 63));
        expect(sizeClass(size)).toBe(size);
      }),
    );
  });

  test("hands out aligned ranges that never overlap, whatever is freed between", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.nat(5000), freeOneOf: fc.option(fc.nat()) }), { maxLength: 60 }),
        (requests) => {
          const arithmetic = loadArithmetic();
          const live: { pointer: number; bytes: number }[] = [];
          for (const { bytes, freeOneOf } of requests) {
            const pointer = arithmetic.allocate(bytes);
            expect(pointer % 64).toBe(0);
            expect(pointer + bytes).toBeLessThanOrEqual(arithmetic.memoryBytes);
            for (const other of live) {
              expect(pointer + bytes <= other.pointer || other.pointer + other.bytes <= pointer).toBe(true);
            }
            live.push({ pointer, bytes: Math.max(bytes, 1) });
            if (freeOneOf !== null) {
              const [gone] = live.splice(freeOneOf % live.length, 1);
              if (gone !== undefined) arithmetic.free(gone.pointer, gone.bytes);
            }
          }
          for (const { pointer, bytes } of live) arithmetic.free(pointer, bytes);
          expect(arithmetic.usedBytes).toBe(0);
        },
      ),
    );
  });

  test("reuses what was freed, so the same sizes again and again need no more memory", () => {
    const arithmetic = loadArithmetic();
    const sizes = [400_000, 12, 65_536, 400_000];
    const round = () => {
      const pointers = sizes.map((bytes) => arithmetic.allocate(bytes));
      pointers.forEach((pointer, index) => arithmetic.free(pointer, sizes[index] ?? 0));
    };
    round();
    const after = arithmetic.memoryBytes;
    for (let repeat = 0; repeat < 100; repeat++) round();
    expect(arithmetic.memoryBytes).toBe(after);
  });

  test("hands out whole pages of zeros that share a page with nothing else", () => {
    const arithmetic = loadArithmetic();
    const before = arithmetic.allocate(100);
    const pages = arithmetic.allocatePages(3);
    const after = arithmetic.allocate(100);
    expect(pages % arithmeticPageBytes).toBe(0);
    expect(before + 100).toBeLessThanOrEqual(pages);
    expect(after).toBeGreaterThanOrEqual(pages + 3 * arithmeticPageBytes);
    expect(arithmetic.u8(pages, 3 * arithmeticPageBytes).every((byte) => byte === 0)).toBe(true);
    expect(arithmetic.usedBytes).toBe(2 * 128 + 3 * arithmeticPageBytes);
    expect(() => arithmetic.free(pages, 3 * arithmeticPageBytes)).toThrow(InvalidFreeError);
    expect(() => arithmetic.allocatePages(2 ** 16)).toThrow(ArithmeticMemoryError);
  });

  test("keeps contents when the memory grows, which detaches older views", () => {
    const arithmetic = loadArithmetic();
    const pointer = arithmetic.allocate(16);
    const view = arithmetic.f32(pointer, 4);
    view.set([1, 2, 3, 4]);
    arithmetic.allocate(10_000_000);
    expect(view.length).toBe(0);
    expect([...arithmetic.f32(pointer, 4)]).toEqual([1, 2, 3, 4]);
  });

  test("refuses to free what is not live or has another size", () => {
    const arithmetic = loadArithmetic();
    const pointer = arithmetic.allocate(100);
    expect(() => arithmetic.free(pointer, 1000)).toThrow(InvalidFreeError);
    expect(() => arithmetic.free(pointer + 64, 100)).toThrow(InvalidFreeError);
    arithmetic.free(pointer, 100);
    expect(() => arithmetic.free(pointer, 100)).toThrow(InvalidFreeError);
  });

  test("says what was asked and held when 4 GiB are not enough", () => {
    const arithmetic = loadArithmetic();
    expect(() => arithmetic.allocate(2 ** 32)).toThrow(ArithmeticMemoryError);
    expect(() => arithmetic.allocate(-1)).toThrow(RangeError);
    expect(arithmetic.usedBytes).toBe(0);
  });

  test("addresses past 2 GiB work like any other", () => {
    const arithmetic = loadArithmetic();
    // Untouched pages cost no real memory; only the last few are written.
    for (let block = 0; block < 9; block++) arithmetic.allocate(2 ** 28);
    const pointer = arithmetic.allocate(16);
    expect(pointer).toBeGreaterThan(2 ** 31);
    arithmetic.f32(pointer, 4).set([1, 2, 3, 4]);
    arithmetic.add(pointer, pointer, pointer, 4);
    expect([...arithmetic.f32(pointer, 4)]).toEqual([2, 4, 6, 8]);
    expect(arithmetic.dot(pointer, pointer, 4)).toBe(120);
  });

  test("instances share nothing", () => {
    const [one, two] = [loadArithmetic(), loadArithmetic()];
    const pointer = one.allocate(16);
    expect(two.allocate(16)).toBe(pointer);
    one.fill(pointer, 1, 4);
    two.fill(pointer, 2, 4);
    expect(one.f32(pointer, 4)[0]).toBe(1);
  });
});
