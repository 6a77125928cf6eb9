import { describe, expect, test } from "vitest";
import { createCollector } from "./collector.ts";
import { PayloadLengthError } from "./value-store.ts";

describe("payloads kept apart", () => {
  test("stay one per slot, in any order of arrival, the first one winning", () => {
    const collector = createCollector({ slots: 3, bytesEach: 2 });
    expect(collector.accept(2, Uint8Array.of(5, 6))).toBe("accepted");
    expect(collector.accept(0, Uint8Array.of(1, 2))).toBe("accepted");
    expect(collector.accept(0, Uint8Array.of(9, 9))).toBe("duplicate");
    expect(collector.isComplete()).toBe(false);
    expect(collector.bytesOf(1)).toBeUndefined();
    collector.accept(1, Uint8Array.of(3, 4));
    expect(collector.isComplete()).toBe(true);
    expect([0, 1, 2].map((slot) => [...(collector.bytesOf(slot) ?? [])])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(collector.duplicates).toBe(1);
  });

  test("are forgotten by a reset", () => {
    const collector = createCollector({ slots: 1, bytesEach: 1 });
    collector.accept(0, Uint8Array.of(1));
    collector.reset();
    expect(collector.isComplete()).toBe(false);
    expect(collector.bytesOf(0)).toBeUndefined();
    expect(collector.accept(0, Uint8Array.of(2))).toBe("accepted");
  });

  test("are refused for slots that do not exist and with another length", () => {
    const collector = createCollector({ slots: 2, bytesEach: 4 });
    expect(() => collector.accept(2, new Uint8Array(4))).toThrow(RangeError);
    expect(() => collector.accept(-1, new Uint8Array(4))).toThrow(RangeError);
    expect(() => collector.accept(1, new Uint8Array(3))).toThrow(PayloadLengthError);
  });
});
