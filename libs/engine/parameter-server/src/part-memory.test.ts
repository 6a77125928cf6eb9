import { describe, expect, it } from "vitest";
import type { OwnedState } from "./owned-state.ts";
import { createPartMemory, type SharedPart } from "./part-memory.ts";

/** Two slices and one state vector, all of them one number. */
function stateOf(value: number): OwnedState {
  const state: Pick<OwnedState, "slices" | "stateNames" | "copyTo"> = {
    slices: [
      { group: 0, start: 0, numbers: 4, parameters: [0, 0], states: new Map() },
      { group: 1, start: 8, numbers: 2, parameters: [0, 0], states: new Map() },
    ],
    stateNames: ["m"],
    copyTo: (slice, _section, bytes) =>
      bytes.set(new Uint8Array(new Float32Array(slice.numbers).fill(value).buffer)),
  };
  return state as OwnedState;
}

const numbersOf = (parts: readonly SharedPart[]): number[][] =>
  parts.map(({ bytes }) => [...new Float32Array(bytes.buffer)]);
const buffersOf = (parts: readonly SharedPart[]) => new Set(parts.map(({ bytes }) => bytes.buffer));

describe("memory for the parts of checkpoints", () => {
  it("holds each version's numbers until it is freed", () => {
    const memory = createPartMemory();
    const first = memory.copy(stateOf(1));
    const second = memory.copy(stateOf(2));
    expect(numbersOf(first.parts)).toEqual([
      [1, 1, 1, 1],
      [1, 1],
      [1, 1, 1, 1],
      [1, 1],
    ]);
    first.free();
    const third = memory.copy(stateOf(3));
    expect(numbersOf(second.parts)).toEqual([
      [2, 2, 2, 2],
      [2, 2],
      [2, 2, 2, 2],
      [2, 2],
    ]);
    expect(numbersOf(third.parts)).toEqual([
      [3, 3, 3, 3],
      [3, 3],
      [3, 3, 3, 3],
      [3, 3],
    ]);
  });

  it("is used again, also where one version is still being written when the next is copied", () => {
    const memory = createPartMemory();
    let [before, newest] = [memory.copy(stateOf(1)), memory.copy(stateOf(2))];
    const both = new Set([...buffersOf(before.parts), ...buffersOf(newest.parts)]);
    expect(both.size).toBe(8);
    for (let version = 3; version < 9; version += 1) {
      before.free();
      [before, newest] = [newest, memory.copy(stateOf(version))];
      for (const buffer of buffersOf(newest.parts)) expect(both).toContain(buffer);
    }
  });

  it("keeps two, however many were in use at a time", () => {
    const memory = createPartMemory();
    const copies = Array.from({ length: 5 }, (_, version) => memory.copy(stateOf(version)));
    const all = new Set(copies.flatMap(({ parts }) => [...buffersOf(parts)]));
    for (const { free } of copies) free();
    const again = Array.from({ length: 5 }, (_, version) => memory.copy(stateOf(version)));
    const kept = again.map(({ parts }) => [...buffersOf(parts)].every((buffer) => all.has(buffer)));
    expect(kept).toEqual([true, true, false, false, false]);
  });
});
