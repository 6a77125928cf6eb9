import type { Message } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import type { SharedPart } from "./part-memory.ts";
import { placeCheckpoint } from "./placed-checkpoint.ts";
import type { CheckpointFiles } from "./shard-options.ts";

/** Eight numbers of one group, and six of another one, of which the last two are padding. */
const parts: readonly SharedPart[] = [
  { group: 0, start: 8, numbers: 8 },
  { group: 2, start: 0, numbers: 6 },
].map((slice, at) => {
  const bytes = new Uint8Array(new SharedArrayBuffer(slice.numbers * 4));
  new Float32Array(bytes.buffer).set(Array.from({ length: slice.numbers }, (_, i) => 100 * (at + 1) + i));
  return { section: "m", slice: { ...slice, parameters: [0, 0], states: new Map() }, bytes };
});
const place = {
  ...{ version: 7, place: "here", files: ["a", "b"] },
  ranges: [
    { section: "m", slice: { group: 0, start: 8, numbers: 3 }, file: 1, position: 40 },
    { section: "m", slice: { group: 0, start: 11, numbers: 5 }, file: 1, position: 12 },
    { section: "m", slice: { group: 2, start: 0, numbers: 4 }, file: 0, position: 8 },
  ],
};

interface Disk {
  readonly files: CheckpointFiles;
  readonly written: Record<string, number[]>;
  open: number;
}

/** @param refuses the write of this number, counted from 0 */
function disk(refuses = Number.POSITIVE_INFINITY): Disk {
  let writes = 0;
  const made: Disk = {
    open: 0,
    written: {},
    files: {
      workersWait: () => undefined,
      hurry: () => undefined,
      open(file) {
        made.open += 1;
        return {
          async write(bytes, position) {
            await Promise.resolve();
            if (writes++ === refuses) throw new Error("no space left");
            const numbers = new Float32Array(bytes.slice().buffer);
            made.written[`${file}@${position}`] = [...numbers];
          },
          close() {
            made.open -= 1;
          },
        };
      },
    },
  };
  return made;
}

type Sent = Message & { readonly bytes: number };

function placed(onto: Disk, more: { onFirstPiece?: () => void } = {}) {
  const sent: Sent[] = [];
  const refusals: unknown[] = [];
  const channel = {
    send: (message: Message, slices: readonly Uint8Array[] = []) =>
      void sent.push({ ...message, bytes: slices.reduce((sum, { byteLength }) => sum + byteLength, 0) }),
    drained: async () => undefined,
  };
  const stream = placeCheckpoint({
    ...{ runId: "run", index: 1, channel: channel as never, parts, place, files: onto.files, ...more },
    onRefused: (error) => void refusals.push(error),
  });
  return { sent, refusals, stream };
}

describe("a shard's part of a checkpoint that has a place", () => {
  it("is written there, range by range, and told of when all of it is there", async () => {
    const onto = disk();
    let told: number | undefined;
    const { sent, stream } = placed(onto, { onFirstPiece: () => (told ??= sent.length) });
    await stream.over;
    expect(told).toBe(0);
    expect(onto.written).toEqual({
      "b@40": [100, 101, 102],
      "b@12": [103, 104, 105, 106, 107],
      "a@8": [200, 201, 202, 203],
    });
    const slice = { type: "checkpoint-slice", version: 7, attempt: 0, place: "here", section: "m", bytes: 0 };
    expect(sent).toMatchObject([
      { ...slice, slice: { group: 0, start: 8, numbers: 8 } },
      { ...slice, slice: { group: 2, start: 0, numbers: 6 } },
      { type: "checkpoint-end", version: 7, attempt: 0, index: 1 },
    ]);
    expect(onto.open).toBe(0);
  });

  it.each([0, 1, 2])("is sent, all of it, where the disk refuses write %i", async (refuses) => {
    const onto = disk(refuses);
    const { sent, refusals, stream } = placed(onto);
    await stream.over;
    expect(refusals).toEqual([new Error("no space left")]);
    expect(sent.map(({ type, bytes }) => [type, bytes])).toEqual([
      ["checkpoint-slice", 32],
      ["checkpoint-slice", 24],
      ["checkpoint-end", 0],
    ]);
    expect(sent.some((message) => "place" in message)).toBe(false);
    expect(onto.open).toBe(0);
  });

  it("is told of to nobody once it is stopped", async () => {
    const onto = disk();
    const { sent, refusals, stream } = placed(onto);
    stream.stop();
    await stream.over;
    expect(sent).toEqual([]);
    expect(refusals).toEqual([]);
    expect(onto.open).toBe(0);
  });
});
