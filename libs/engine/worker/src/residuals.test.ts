import { loadArithmetic } from "@latentweave/arithmetic";
import { describe, expect, it } from "vitest";
import { createResiduals } from "./residuals.ts";

const place = { timeline: 0, phase: 0, round: 0, task: "digits" };
const bytesOf = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const one = { kind: "topk", kept: 4096 } as const;

/** What a node of four numbers, of which one is sent, sends. */
function sending() {
  const arithmetic = loadArithmetic();
  const residuals = createResiduals(arithmetic, [one]);
  const [room, sum] = [arithmetic.allocate(64), arithmetic.allocate(64)];
  const send = (where: typeof place, ...values: number[]): number[] => {
    const bytes = residuals.of(where).take(0, bytesOf(...values), values.length, undefined);
    arithmetic.u8(room, bytes.length).set(bytes);
    arithmetic.fill(sum, 0, values.length);
    arithmetic.addLargest(sum, room, values.length, one.kept);
    return [...arithmetic.f32(sum, values.length)];
  };
  return { send };
}

describe("what a worker leaves out", () => {
  it("goes with what comes next, as soon as it is the largest", () => {
    const { send } = sending();
    expect(send(place, 127, 100, 1, 0)).toEqual([127, 0, 0, 0]);
    expect(send(place, 0, 27, 1, 0)).toEqual([0, 127, 0, 0]);
    expect(send(place, 0, 0, 125, 0)).toEqual([0, 0, 127, 0]);
    expect(send(place, 0, 0, 0, 0)).toEqual([0, 0, 0, 0]);
  });

  it("stays with its task and round", () => {
    const { send } = sending();
    send(place, 127, 100, 0, 0);
    expect(send({ ...place, task: "fashion" }, 0, 0, 0, 127)).toEqual([0, 0, 0, 127]);
    expect(send(place, 0, 27, 0, 0)).toEqual([0, 127, 0, 0]);
  });

  it("is not carried into another timeline, or another phase", () => {
    const { send } = sending();
    send(place, 127, 100, 0, 0);
    expect(send({ ...place, timeline: 1 }, 0, 0, 0, 0)).toEqual([0, 0, 0, 0]);
    send({ ...place, timeline: 1 }, 127, 100, 0, 0);
    expect(send({ ...place, timeline: 1, phase: 1 }, 0, 0, 0, 0)).toEqual([0, 0, 0, 0]);
  });

  it("is nothing of a sum that is not finite, which is sent as such", () => {
    const { send } = sending();
    expect(send(place, Number.NaN, 100, 0, 0).every(Number.isFinite)).toBe(false);
    expect(send(place, 0, 0, 0, 0)).toEqual([0, 0, 0, 0]);
  });
});
