import { decodeFrame, FrameError, parseMessage, ProtocolError } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { keyedRandom } from "../draw/keyed-random.ts";
import { fuzzFrame, fuzzKinds } from "./fuzz-frame.ts";
import { fuzzWire, wireMessage } from "./fuzz-wire.ts";
import { sampleMessages } from "./sample-messages.ts";

const samples = sampleMessages("run", "somebody");
const random = keyedRandom(1);
const frames = Array.from({ length: 4_000 }, (_, number) =>
  fuzzFrame(samples, (what) => random(number, what), number % 3),
);

/** What a reader that expects the frame at this place makes of it. */
function reading(bytes: Buffer, sequence: number): string {
  try {
    parseMessage(decodeFrame(bytes, { sequence }).message);
    return "valid";
  } catch (error) {
    if (error instanceof ProtocolError) return "message";
    if (error instanceof FrameError) return error.fault;
    throw error;
  }
}

describe("the corpus", () => {
  it("has a valid message of every kind to begin with", () => {
    for (const { message } of samples) expect(parseMessage(message)).toEqual(message);
  });

  it("is the same for the same seed", () => {
    const again = fuzzFrame(samples, (what) => random(17, what), 17 % 3);
    expect(again).toEqual(frames[17]);
  });

  it("meets every way in which a frame can be wrong, and every type of message, in each kind of harm", () => {
    const met = new Map<string, Set<string>>();
    for (const [number, { kind, bytes }] of frames.entries())
      met.set(kind, (met.get(kind) ?? new Set()).add(reading(bytes, number % 3)));
    const all = new Set([...met.values()].flatMap((readings) => [...readings]));
    for (const fault of [
      "truncated",
      "badMagic",
      "wrongVersion",
      "wrongChecksum",
      "outOfOrder",
      "trailingBytes",
    ])
      expect(all).toContain(fault);
    for (const fault of ["tooLarge", "malformed", "message", "valid"]) expect(all).toContain(fault);
    expect(met.get("damaged")).not.toContain("valid");
    expect(met.get("damaged")).not.toContain("message");
    expect([...(met.get("place") ?? [])]).toEqual(["outOfOrder"]);
    for (const kind of fuzzKinds)
      expect(new Set(frames.filter((frame) => frame.kind === kind).map(({ type }) => type)).size).toBe(
        samples.length,
      );
  });

  it("is mostly put into right WebSocket messages, and sometimes not", () => {
    const payload = Buffer.from("payload");
    const wires = Array.from({ length: 500 }, (_, i) =>
      fuzzWire(payload, true, (what) => random("wire", i, what)),
    );
    const right = wires.filter((wire) => wire.equals(wireMessage(payload, { masked: true })));
    expect(right.length).toBeGreaterThan(200);
    expect(right.length).toBeLessThan(400);
  });
});
