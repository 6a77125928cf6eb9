import type { Message } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createCheckpointStreams } from "./checkpoint-streams.ts";
import type { OwnedState } from "./owned-state.ts";

const slice = { group: 0, start: 0, numbers: 4, parameters: [0, 0] as const, states: new Map() };

/** A state whose numbers are its version. */
function stateAt(version: number): OwnedState {
  const bytes = new Uint8Array(new Float32Array(4).fill(version).buffer);
  return {
    ...{ version, slices: [slice], stateNames: [] },
    copy: () => bytes.slice(),
    copyTo: (_: unknown, __: unknown, target: Uint8Array) => target.set(bytes),
  } as unknown as OwnedState;
}

const placeOf = (version: number): Extract<Message, { type: "checkpoint-place" }> => ({
  ...{
    type: "checkpoint-place",
    runId: "run",
    version,
    place: `place-${version}`,
    files: [`file-${version}`],
  },
  ranges: [{ section: "parameters", slice: { group: 0, start: 0, numbers: 4 }, file: 0, position: 0 }],
});

function shard() {
  const sent: string[] = [];
  const written: string[] = [];
  const hurries: boolean[] = [];
  let release: () => void = () => undefined;
  /** The first file stays open until `release`. */
  const held = new Promise<void>((resolve) => (release = resolve));
  const streams = createCheckpointStreams({
    ...{ runId: "run", index: 0, log: () => undefined },
    coordinator: () =>
      ({
        send: (message: Message) => {
          if (message.type === "checkpoint-slice") sent.push(`${message.version} ${message.place ?? "sent"}`);
        },
        drained: async () => undefined,
      }) as never,
    checkpointFiles: {
      workersWait: () => undefined,
      hurry: (isDue) => void hurries.push(isDue),
      open: (file) => ({
        async write(bytes) {
          if (file === "file-2") await held;
          written.push(`${file} ${new Float32Array(bytes.slice().buffer)[0] ?? ""}`);
        },
        close: () => undefined,
      }),
    },
    onFailed: (error) => {
      throw error;
    },
  });
  return { sent, written, hurries, streams, release: () => release() };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("checkpoints that come faster than they are written", () => {
  it("are told of in their order, whether they have a place or not, each with its own numbers, and in a hurry", async () => {
    const { sent, written, hurries, streams, release } = shard();
    streams.placed(placeOf(2));
    streams.due(stateAt(2));
    streams.placed(placeOf(4));
    streams.due(stateAt(4));
    streams.due(stateAt(6));
    await settled();
    expect(sent).toEqual([]);
    expect(hurries).toEqual([false, true]);
    release();
    await settled();
    expect(sent).toEqual(["2 place-2", "4 place-4", "6 sent"]);
    expect(written).toEqual(["file-2 2", "file-4 4"]);
    expect(hurries).toEqual([false, true, false, false]);
  });

  it("have no place any more once everybody is sent back", async () => {
    const { sent, written, streams, release } = shard();
    streams.placed(placeOf(2));
    streams.startOver();
    streams.due(stateAt(2));
    release();
    await settled();
    expect(sent).toEqual(["2 sent"]);
    expect(written).toEqual([]);
  });

  it("are sent where they were asked for: their place was for what was due", async () => {
    const { sent, streams, release } = shard();
    streams.placed(placeOf(2));
    streams.asked({ type: "checkpoint", runId: "run", version: 2, attempt: 1 }, stateAt(2));
    release();
    await settled();
    expect(sent).toEqual(["2 sent"]);
  });
});
