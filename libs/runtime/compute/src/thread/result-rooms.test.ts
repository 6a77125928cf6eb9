import type { MicroBatch, MicroBatchResult } from "@latentweave/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunResult } from "./messages.ts";
import { type RoomedCall, ResultRooms } from "./result-rooms.ts";

const many = 40_000; // numbers
const batchOf = (task: string, borrowed = true): MicroBatch => ({
  ...{ program: "gradient", phase: 0, step: 0, round: 0, task, slot: 0, samples: 1 },
  ...{ x: new Float32Array(1), columns: {}, borrowed },
});

/** A thread, as far as results go: it knows the rooms that it was told of, and writes what it is asked to. */
function createThread(numbers: (task: string) => number) {
  const rooms = new Map<number, SharedArrayBuffer>();
  return {
    rooms,
    answer(task: string, { room, left }: RoomedCall, value: number): RunResult {
      for (const id of left) rooms.delete(id);
      if (room?.buffer) rooms.set(room.id, room.buffer);
      const own = room && rooms.get(room.id);
      if (room && !own) throw new Error(`room ${room.id} is not known`);
      const length = numbers(task);
      const roomBytes = length * 4;
      const metrics = new Float64Array(1);
      if (!own || own.byteLength < roomBytes)
        return { result: { gradients: [new Float32Array(length).fill(value)], metrics }, roomBytes };
      new Float32Array(own, 0, length).fill(value);
      return { result: { gradients: [], metrics }, inRoom: [[0, length]], roomBytes };
    },
  };
}

const bufferOf = ({ gradients: [first] }: MicroBatchResult): ArrayBufferLike | undefined => first?.buffer;

describe("rooms for results", () => {
  const sizes: Record<string, number> = { a: many, b: many + 7, c: 3 * many, small: 100 };
  const steps = fc.array(
    fc.record({
      task: fc.constantFrom(...Object.keys(sizes)),
      borrowed: fc.boolean(),
      fails: fc.nat(9).map((draw) => draw === 0),
      /** How many results are given back before the call. */
      giveBack: fc.nat(3),
      startOver: fc.nat(19).map((draw) => draw === 0),
    }),
    { maxLength: 60 },
  );

  it("hold a result until it is given back, whatever is asked for meanwhile", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const rooms = new ResultRooms();
        const thread = createThread((task) => sizes[task] ?? 0);
        const held: { result: MicroBatchResult; value: number; length: number }[] = [];
        for (const [value, { task, borrowed, fails, giveBack, startOver }] of all.entries()) {
          if (startOver) rooms.startOver();
          for (const { result } of held.splice(0, giveBack)) rooms.giveBack(result.gradients);
          const call = rooms.call(batchOf(task, borrowed));
          const answer = thread.answer(task, call, fails ? Number.NaN : value);
          if (fails) call.failed();
          else held.push({ result: call.resultOf(answer), value, length: sizes[task] ?? 0 });
          for (const { result, value: own, length } of held) {
            expect(result.gradients[0]).toHaveLength(length);
            expect(result.gradients[0]?.every((number) => number === own)).toBe(true);
          }
        }
        // As many as results were held at a time and are kept besides; never one for each result.
        expect(thread.rooms.size).toBeLessThanOrEqual(held.length + 3 + 17);
      }),
    );
  });

  it("are used again by results of their kind, and only by those that will be given back", () => {
    const rooms = new ResultRooms();
    const thread = createThread(() => many);
    const run = (borrowed: boolean): MicroBatchResult => {
      const call = rooms.call(batchOf("a", borrowed));
      return call.resultOf(thread.answer("a", call, 1));
    };
    // How large it is to be is known from the first on.
    const first = run(true);
    expect(bufferOf(first)).toBeInstanceOf(ArrayBuffer);
    const second = run(true);
    const third = run(true);
    expect(bufferOf(second)).toBeInstanceOf(SharedArrayBuffer);
    expect(bufferOf(third)).not.toBe(bufferOf(second));
    rooms.giveBack(second.gradients);
    expect(bufferOf(run(false))).toBeInstanceOf(ArrayBuffer);
    expect(bufferOf(run(true))).toBe(bufferOf(second));
  });

  it("are let go of where there are more than will be needed, in both threads", () => {
    const rooms = new ResultRooms();
    const thread = createThread(() => many);
    const run = (): MicroBatchResult => {
      const call = rooms.call(batchOf("a"));
      return call.resultOf(thread.answer("a", call, 1));
    };
    const results = Array.from({ length: 31 }, run);
    expect(thread.rooms.size).toBe(30);
    for (const { gradients } of results) rooms.giveBack(gradients);
    run();
    expect(thread.rooms.size).toBe(16);
  });
});
