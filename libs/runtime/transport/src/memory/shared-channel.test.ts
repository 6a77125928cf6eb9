import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Channel,
  closeCodes,
  encodeFrame,
  type SharedMemory,
  type SharedRange,
} from "@latentweave/protocol";
import { hostHeader, hostIdentity } from "../host-identity.ts";
import {
  closed,
  dial,
  frameOf,
  handshake,
  note,
  noteOf,
  Opened,
  rawPeer,
  received,
  startCoordinator,
  webSocketMessage,
} from "../test-peers.ts";
import { memoryHeader, memoryVersion } from "./memory-words.ts";

const opened = new Opened();
afterEach(() => opened.close());

/** Memory of one process, seen by both sides of a connection: what two processes see is tested in the vault. */
class OneProcessMemory implements SharedMemory {
  readonly ranges = new Map<string, ArrayBuffer>();
  made = 0;
  limit = Number.POSITIVE_INFINITY;
  refusal: string | undefined;

  create(bytes: number): SharedRange | string {
    if (bytes > this.limit) return "no room";
    this.made += 1;
    const name = `range-${this.made}`;
    const buffer = new ArrayBuffer(bytes);
    this.ranges.set(name, buffer);
    return this.#range(name, buffer);
  }

  open(name: string): SharedRange | string {
    const buffer = this.ranges.get(name);
    return this.refusal ?? (buffer ? this.#range(name, buffer) : "ENOENT");
  }

  #range(name: string, buffer: ArrayBuffer): SharedRange {
    return { name, buffer, forgetName: () => this.ranges.delete(name), close: () => undefined };
  }
}

interface Pair {
  readonly worker: Channel;
  readonly atServer: Channel;
  readonly log: string[];
}

async function pair(theirs: SharedMemory | undefined, ours: SharedMemory | undefined): Promise<Pair> {
  const coordinator = await startCoordinator(opened, { sharedMemory: theirs });
  const log: string[] = [];
  const worker = await dial(opened, coordinator.server.url, {
    sharedMemory: ours,
    log: (line) => log.push(line),
  });
  return { worker, atServer: await coordinator.nextChannel(), log };
}

const filled = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff);

/** Both sides know of the range once an answer has come back. */
async function settled(memory: OneProcessMemory): Promise<void> {
  while (memory.made === 0 || memory.ranges.size > 0) await setImmediate();
}

describe("a channel with memory that both sides share", () => {
  it("delivers any slices as one without it does, in order, before and after the memory is there", async () => {
    const memory = new OneProcessMemory();
    const { worker, atServer } = await pair(memory, memory);
    const sizes = fc.array(
      fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 10_000, max: 900_000 })), { maxLength: 4 }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    await fc.assert(
      fc.asyncProperty(sizes, async (frames) => {
        const arriving = received(atServer, frames.length);
        const sent = frames.map((lengths, i) => lengths.map((length, k) => filled(length, i + k)));
        for (const [i, slices] of sent.entries()) worker.send(note(`frame ${i}`), slices);
        const messages = await arriving;
        expect(messages.map(({ message }) => noteOf(message))).toEqual(sent.map((_, i) => `frame ${i}`));
        for (const [i, { slices }] of messages.entries()) {
          expect(slices.length).toBe(sent[i]?.length);
          for (const [k, slice] of slices.entries())
            expect(Buffer.compare(slice, sent[i]?.[k] ?? new Uint8Array())).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
    expect(memory.made).toBeGreaterThan(1);
  });

  it("takes slices at once: whoever sends may overwrite them", async () => {
    const memory = new OneProcessMemory();
    const { worker, atServer } = await pair(memory, memory);
    const first = received(atServer, 1);
    worker.send(note("first"), [filled(100_000, 1)]);
    await first;
    await settled(memory);
    const slice = filled(100_000, 2);
    const arriving = received(atServer, 1);
    worker.send(note("second"), [slice]);
    slice.fill(0);
    expect(Buffer.compare((await arriving)[0]?.slices[0] ?? new Uint8Array(), filled(100_000, 2))).toBe(0);
  });

  it("never overwrites what was not taken: a reader that waits gets all of it", async () => {
    const memory = new OneProcessMemory();
    const { worker, atServer } = await pair(memory, memory);
    const first = received(atServer, 1);
    worker.send(note("first"), [filled(700_000, 0)]);
    await first;
    await settled(memory);
    // Nobody listens: what comes is kept, and the socket is not read on.
    atServer.onMessage(undefined as never);
    for (let i = 0; i < 12; i++) worker.send(note(`${i}`), [filled(700_000, i)]);
    for (let i = 0; i < 50; i++) await setImmediate();
    const messages = await received(atServer, 12);
    expect(messages.map(({ message }) => noteOf(message))).toEqual(
      Array.from({ length: 12 }, (_, i) => `${i}`),
    );
    for (const [i, { slices }] of messages.entries())
      expect(Buffer.compare(slices[0] ?? new Uint8Array(), filled(700_000, i))).toBe(0);
  });

  it.each([
    ["the peer has none", undefined, new OneProcessMemory()],
    ["this side has none", new OneProcessMemory(), undefined],
  ])("works without, where %s", async (_, theirs, ours) => {
    const { worker, atServer } = await pair(theirs, ours);
    const arriving = received(atServer, 3);
    for (let i = 0; i < 3; i++) worker.send(note(`${i}`), [filled(100_000, i)]);
    for (const [i, { slices }] of (await arriving).entries())
      expect(Buffer.compare(slices[0] ?? new Uint8Array(), filled(100_000, i))).toBe(0);
    expect((theirs ?? ours).made).toBe(0);
  });

  it("tells a peer that offers memory unasked that it shares none, and goes on", async () => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    const arriving = received(channel, 1);
    socket.write(webSocketMessage(frameOf({ memory: "range-1" })));
    socket.write(webSocketMessage(frameOf(note("after"), 1)));
    expect(noteOf((await arriving)[0]!.message)).toBe("after");
    expect(coordinator.log).toEqual([]);
  });

  it("closes, and reads nothing, where a frame is of another place than the next", async () => {
    const memory = new OneProcessMemory();
    const range = memory.create(1 << 20);
    if (typeof range === "string") throw new Error(range);
    const coordinator = await startCoordinator(opened, { sharedMemory: memory });
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake("/", { [memoryHeader]: memoryVersion, [hostHeader]: hostIdentity }));
    const channel = await coordinator.nextChannel();
    const delivered: string[] = [];
    channel.onMessage((message) => delivered.push(noteOf(message)));
    const end = closed(channel);
    const frames = [
      encodeFrame({ memory: range.name }, [], { sequence: 0 }),
      encodeFrame(note("first"), [new Uint8Array(100)], { sequence: 1, outsideAt: 0 }),
      encodeFrame(note("second"), [new Uint8Array(100)], { sequence: 2, outsideAt: 0 }),
    ];
    for (const pieces of frames) socket.write(webSocketMessage(Buffer.concat(pieces)));
    expect((await end).code).toBe(closeCodes.damaged);
    expect(delivered).toEqual(["first"]);
  });

  it.each([
    ["there is no room", { limit: 10 }, "no room"],
    ["the peer cannot open it", { refusal: "EACCES" }, "the peer cannot open it: EACCES"],
  ])("works without, and says why once, where %s", async (_, trouble, reason) => {
    const memory = Object.assign(new OneProcessMemory(), trouble);
    const { worker, atServer, log } = await pair(memory, memory);
    for (let i = 0; i < 3; i++) {
      const arriving = received(atServer, 1);
      worker.send(note(`${i}`), [filled(100_000, i)]);
      expect(Buffer.compare((await arriving)[0]?.slices[0] ?? new Uint8Array(), filled(100_000, i))).toBe(0);
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    expect(log.length).toBe(1);
    expect(log[0]).toContain(`tensors go through the socket, not through shared memory: ${reason}`);
  });
});
