import { describe, expect, it } from "vitest";
import { createPublishedCopies } from "./published-copies.ts";

const large = 128 * 1024;
const filled = (byte: number, bytes = large): Uint8Array => new Uint8Array(bytes).fill(byte);

describe("copies of what is published", () => {
  it("do not change while they are kept or sent, and lie in memory that is used again after that", async () => {
    const copies = createPublishedCopies();
    const view = filled(1);
    const first = copies.make(view);
    view.fill(2);
    expect(first).toEqual(filled(1));
    let left = (): void => undefined;
    copies.sending([first], new Promise((resolve) => (left = resolve)));
    copies.drop(first);
    const second = copies.make(view);
    expect(second.buffer).not.toBe(first.buffer);
    expect(first).toEqual(filled(1));
    left();
    await Promise.resolve();
    await Promise.resolve();
    const third = copies.make(filled(3));
    expect(third.buffer).toBe(first.buffer);
    expect(third).not.toBe(first);
    expect(second).toEqual(filled(2));
  });

  it("wait for the last of those who send them", async () => {
    const copies = createPublishedCopies();
    const copy = copies.make(filled(1));
    let leave = (): void => undefined;
    copies.sending([copy], Promise.resolve());
    copies.sending([copy], new Promise((resolve) => (leave = resolve)));
    copies.drop(copy);
    await new Promise(setImmediate);
    expect(copies.make(filled(2)).buffer).not.toBe(copy.buffer);
    leave();
    await new Promise(setImmediate);
    expect(copies.make(filled(3)).buffer).toBe(copy.buffer);
  });

  it("are dropped once, and what was not made here is let alone", async () => {
    const copies = createPublishedCopies();
    const foreign = filled(9);
    copies.sending([foreign], Promise.resolve());
    copies.drop(foreign);
    const copy = copies.make(filled(1));
    copies.drop(copy);
    copies.drop(copy);
    await new Promise(setImmediate);
    const [next, another] = [copies.make(filled(2)), copies.make(filled(3))];
    expect(next.buffer).toBe(copy.buffer);
    expect(another.buffer).not.toBe(copy.buffer);
    expect([next, another].map(({ buffer }) => buffer)).not.toContain(foreign.buffer);
    expect(foreign).toEqual(filled(9));
  });

  it("go back to the system when all is cleared", () => {
    const copies = createPublishedCopies();
    const copy = copies.make(filled(1));
    copies.drop(copy);
    copies.clear();
    expect(copies.make(filled(2)).buffer).not.toBe(copy.buffer);
  });
});
