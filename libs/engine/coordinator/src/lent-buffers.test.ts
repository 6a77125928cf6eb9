import { expect, it } from "vitest";
import { createLentBuffers } from "./lent-buffers.ts";

it("a copy is its borrower's alone until it is given back, and its memory is used again after", () => {
  const buffers = createLentBuffers(2);
  const source = Uint8Array.of(1, 2, 3, 4);
  const first = buffers.copyOf(source);
  source.fill(9);
  const second = buffers.copyOf(source);
  expect([...first]).toEqual([1, 2, 3, 4]);
  expect(second.buffer).not.toBe(first.buffer);

  buffers.giveBack(first);
  const shorter = buffers.copyOf(Uint8Array.of(7, 8));
  expect(shorter.buffer).toBe(first.buffer);
  expect([...shorter]).toEqual([7, 8]);
  expect([...second]).toEqual([9, 9, 9, 9]);
});

it("of what comes back it keeps so many, the largest", () => {
  const buffers = createLentBuffers(2);
  const copies = [1, 4, 2, 3].map((bytes) => buffers.copyOf(new Uint8Array(bytes)));
  for (const copy of copies) buffers.giveBack(copy);
  const again = [4, 3, 1].map((bytes) => buffers.copyOf(new Uint8Array(bytes)));
  expect(again.map(({ buffer }) => copies.findIndex((copy) => copy.buffer === buffer))).toEqual([1, 3, -1]);
});
