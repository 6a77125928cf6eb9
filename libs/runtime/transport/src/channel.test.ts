import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { closeCodes, ProtocolError, systemClock } from "@latentweave/protocol";
import {
  closed,
  closeFrameOf,
  dial,
  dialer,
  frameOf,
  handshake,
  note,
  noteOf,
  Opened,
  rawPeer,
  readAll,
  received,
  startCoordinator,
  webSocketMessage,
} from "./test-peers.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const opened = new Opened();
afterEach(() => opened.close());

async function pair(server = {}, client = {}) {
  const coordinator = await startCoordinator(opened, server);
  const worker = await dial(opened, coordinator.server.url, client);
  return { coordinator, worker, atServer: await coordinator.nextChannel() };
}

describe("what is sent", () => {
  it("arrives in order, whole, with its tensors, both ways", async () => {
    const { worker, atServer } = await pair();
    const tensors = [0, 1, 63, 64, 16_384, 16_385, 65_536, 1_000_003].map((length) =>
      Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff),
    );
    for (const [from, to] of [
      [worker, atServer],
      [atServer, worker],
    ] as const) {
      const arriving = received(to, tensors.length + 1);
      tensors.forEach((_, i) => from.send(note(`message ${i}`), tensors.slice(0, i + 1)));
      from.send(note("last"));
      const messages = await arriving;
      expect(messages.map(({ message }) => noteOf(message))).toEqual([
        ...tensors.map((_, i) => `message ${i}`),
        "last",
      ]);
      messages.slice(0, -1).forEach(({ slices }, i) => {
        expect(slices.length).toBe(i + 1);
        slices.forEach((slice, k) => expect(Buffer.compare(slice, tensors[k] ?? new Uint8Array(0))).toBe(0));
      });
    }
  });

  it("arrives as it was when `sendCopy` returned, both ways, in memory that is used again", async () => {
    const { worker, atServer } = await pair();
    const lengths = [0, 1, 4_000, 300_000, 3_000_001];
    const tensor = (seed: number) =>
      lengths.map((length) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff));
    const rounds = 6;
    for (const [from, to] of [
      [worker, atServer],
      [atServer, worker],
    ] as const) {
      const arriving = received(to, rounds);
      const scratch = tensor(0);
      for (let round = 0; round < rounds; round++) {
        tensor(round).forEach((slice, k) => scratch[k]?.set(slice));
        from.sendCopy(note(`round ${round}`), scratch);
        for (const slice of scratch) slice.fill(0xee);
        if (round % 2 === 1) await from.drained();
      }
      const messages = await arriving;
      messages.forEach(({ message, slices }, round) => {
        expect(noteOf(message)).toBe(`round ${round}`);
        const sent = tensor(round);
        expect(slices.map((slice, k) => Buffer.compare(slice, sent[k] ?? new Uint8Array()))).toEqual(
          lengths.map(() => 0),
        );
      });
    }
  });

  it("arrives the same for any mix of slices, at addresses that suit any typed array", async () => {
    const { worker, atServer } = await pair();
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 16_000, max: 70_000 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const tensors = lengths.map((length, k) => new Uint8Array(length).fill(k + 1));
        const arrived = new Promise<readonly Uint8Array[]>((resolve) => {
          atServer.onMessage((_, slices) => {
            for (const slice of slices) expect(slice.byteOffset % 8).toBe(0);
            resolve(slices.map((slice) => slice.slice()));
          });
        });
        worker.send(note("any"), tensors);
        const slices = await arrived;
        expect(slices.map((slice) => slice.length)).toEqual(lengths);
        slices.forEach((slice, k) => expect(Buffer.compare(slice, tensors[k] ?? new Uint8Array(0))).toBe(0));
      }),
      { numRuns: 60 },
    );
  });

  it("waits for a handler that comes late", async () => {
    const { worker, atServer } = await pair();
    worker.send(note("early"), [Uint8Array.of(1)]);
    await worker.drained();
    worker.send(note("second"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const arriving = received(atServer, 3);
    worker.send(note("third"));
    expect((await arriving).map(({ message }) => noteOf(message))).toEqual(["early", "second", "third"]);
  });

  it("is refused at the sender when it is over the agreed limit, and the channel lives on", async () => {
    const { worker, atServer } = await pair({}, { maxFrameBytes: 1000 });
    expect(() => worker.send(note("large"), [new Uint8Array(1000)])).toThrow(
      /"leaving" of \d+ bytes, at most 1000/,
    );
    worker.send(note("small"));
    expect(noteOf((await received(atServer, 1))[0]!.message)).toBe("small");
  });
});

describe("a slow reader", () => {
  it("bounds the sender's memory, when the sender awaits drained()", async () => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    const messageBytes = 4 * 1024 * 1024;
    const count = 24;
    // Reads a little at a time, with pauses, far slower than the sender could send.
    let read = 0;
    socket.on("data", (chunk) => {
      read += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    let mostBuffered = 0;
    let mostExternal = 0;
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < count; i++) {
      channel.send(note("tensor"), [new Uint8Array(messageBytes)]);
      mostBuffered = Math.max(mostBuffered, channel.bufferedBytes);
      collectGarbage();
      mostExternal = Math.max(mostExternal, process.memoryUsage().arrayBuffers - before);
      await channel.drained();
    }
    expect(channel.bufferedBytes).toBe(0);
    expect(mostBuffered).toBeGreaterThan(0);
    expect(mostBuffered).toBeLessThan(messageBytes + 1000);
    // What has left can be collected; a queue would hold all of it.
    expect(mostExternal).toBeLessThan((count * messageBytes) / 2);
    while (read < count * messageBytes) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("leaves drained() open for as long as it does not read, and is given up when too much waits", async () => {
    const coordinator = await startCoordinator(opened, { maxBufferedBytes: 32 * 1024 * 1024 });
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    socket.pause();
    channel.send(note("tensor"), [new Uint8Array(16 * 1024 * 1024)]);
    let drained = false;
    const draining = channel.drained().then(() => (drained = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(drained).toBe(false);
    expect(channel.bufferedBytes).toBeGreaterThan(0);
    const end = closed(channel);
    channel.send(note("tensor"), [new Uint8Array(32 * 1024 * 1024)]);
    expect((await end).code).toBe(closeCodes.overloaded);
    await draining;
    expect(channel.bufferedBytes).toBe(0);
    expect(coordinator.log.length).toBe(1);
  });
});

describe("a peer that sends what it must not", () => {
  it.each([
    [
      "bytes that are no frame",
      webSocketMessage(Buffer.from("hello, I am not a frame at all")),
      closeCodes.damaged,
    ],
    ["an empty message", webSocketMessage(new Uint8Array(0)), closeCodes.damaged],
    ["text", Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]), closeCodes.protocolError],
    ["bytes that are not WebSocket", Buffer.from("GET / HTTP/1.1\r\n\r\n"), closeCodes.damaged],
    ["a frame over the limit", webSocketMessage(new Uint8Array(20), 2 ** 40), closeCodes.frameTooLarge],
    ["a frame with an unknown message", webSocketMessage(frameOf({ type: "x" })), closeCodes.protocolError],
    [
      "a frame with one bit turned",
      webSocketMessage(frameOf(note("true")).map((byte, i) => (i === 40 ? byte ^ 1 : byte))),
      closeCodes.damaged,
    ],
    ["a frame that belongs further on", webSocketMessage(frameOf(note("early"), 1)), closeCodes.damaged],
  ])("is told so and closed: %s", async (_, bytes, code) => {
    const coordinator = await startCoordinator(opened, { maxFrameBytes: 1_000_000 });
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    const delivered: unknown[] = [];
    channel.onMessage((message) => delivered.push(message));
    const end = closed(channel);
    socket.write(bytes);
    expect(closeFrameOf(await readAll(socket))?.code).toBe(code);
    expect((await end).code).toBe(code);
    expect(delivered).toEqual([]);
    expect(coordinator.log.length).toBe(1);
    expect(coordinator.log[0]).toContain(`127.0.0.1:`);
    expect(coordinator.log[0]).toContain(String(code));
  });

  it.each([
    ["repeated", [0, 0], 1],
    ["missing", [0, 2], 1],
    ["out of order", [0, 2, 1], 1],
    ["in their places", [0, 1, 2], 3],
  ])("gets no further than the first wrong one when its frames are %s", async (_, sequences, taken) => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    const delivered: string[] = [];
    channel.onMessage((message) => delivered.push(noteOf(message)));
    const end = closed(channel);
    for (const i of sequences) socket.write(webSocketMessage(frameOf(note(`${i}`), i)));
    if (taken === sequences.length) socket.end();
    else expect(closeFrameOf(await readAll(socket))?.code).toBe(closeCodes.damaged);
    expect((await end).code).toBe(taken === sequences.length ? 1006 : closeCodes.damaged);
    expect(delivered).toEqual(sequences.slice(0, taken).map(String));
  });

  it("is closed when the engine finds its message wrong where it stands", async () => {
    const { coordinator, worker, atServer } = await pair();
    atServer.onMessage(() => {
      throw new ProtocolError("leaving before hello");
    });
    const end = closed(worker);
    worker.send(note("?"));
    expect(await end).toEqual({ code: closeCodes.protocolError, reason: "leaving before hello" });
    expect(coordinator.log.length).toBe(1);
  });

  it("does not harm the channels of others", async () => {
    const { coordinator, worker, atServer } = await pair();
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const bad = await coordinator.nextChannel();
    bad.onMessage(() => undefined);
    const end = closed(bad);
    socket.write(webSocketMessage(Buffer.alloc(100, 0xff)));
    await readAll(socket);
    await end;
    worker.send(note("still here"));
    expect(noteOf((await received(atServer, 1))[0]!.message)).toBe("still here");
  });
});

describe("a peer that falls silent", () => {
  it("is missed by the server", async () => {
    const coordinator = await startCoordinator(opened, { heartbeatMs: 20 });
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    socket.resume();
    const channel = await coordinator.nextChannel();
    channel.onMessage(() => undefined);
    const end = await closed(channel);
    expect(end.code).toBe(closeCodes.heartbeatMissed);
    expect(coordinator.log[0]).toContain("nothing heard");
  });

  it("is missed by the client", async () => {
    // A channel that holds a message which nobody takes does not read on, so it answers no ping.
    const coordinator = await startCoordinator(opened);
    const worker = await dial(opened, coordinator.server.url, { heartbeatMs: 20 });
    await coordinator.nextChannel();
    worker.send(note("nobody handles this"));
    expect((await closed(worker)).code).toBe(closeCodes.heartbeatMissed);
  });

  it("is not missed while it answers, however long it says nothing", async () => {
    const { worker, atServer } = await pair({ heartbeatMs: 10 }, { heartbeatMs: 10 });
    worker.onMessage(() => undefined);
    const ends: number[] = [];
    worker.onClose((code) => ends.push(code));
    atServer.onClose((code) => ends.push(code));
    atServer.onMessage(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ends).toEqual([]);
    const arriving = received(atServer, 1);
    worker.send(note("alive"));
    expect(noteOf((await arriving)[0]!.message)).toBe("alive");
  });

  it("is timed on the side that asked, whatever strange pongs come in between", async () => {
    const roundTripsMs: number[] = [];
    const onRoundTrip = (ms: number): void => void roundTripsMs.push(ms);
    const coordinator = await startCoordinator(opened, { heartbeatMs: 10, onRoundTrip });
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    await coordinator.nextChannel();
    socket.write(Buffer.from([0x8a, 0x83, 0, 0, 0, 0, 1, 2, 3]));
    const worker = await dial(opened, coordinator.server.url);
    worker.onMessage(() => undefined);
    (await coordinator.nextChannel()).onMessage(() => undefined);
    while (roundTripsMs.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const ms of roundTripsMs) expect(ms).toBeGreaterThanOrEqual(0);
  });

  it("tells the side that is asked what the other's clock showed", async () => {
    const coordinator = await startCoordinator(opened, { heartbeatMs: 10 });
    const told: number[] = [];
    const beforeMs = systemClock.nowMs();
    const worker = await dial(opened, coordinator.server.url, { onHeartbeat: (ms) => void told.push(ms) });
    worker.onMessage(() => undefined);
    (await coordinator.nextChannel()).onMessage(() => undefined);
    while (told.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    // Both are this process: its clock is theirs.
    for (const [place, ms] of told.entries()) {
      expect(ms).toBeGreaterThan(told[place - 1] ?? beforeMs);
      expect(ms).toBeLessThanOrEqual(systemClock.nowMs());
    }
  });
});

describe("closing", () => {
  it("gives both sides the code and the reason, once", async () => {
    const { worker, atServer } = await pair();
    worker.onMessage(() => undefined);
    const ends: unknown[] = [];
    atServer.onClose((code, reason) => ends.push([code, reason]));
    const there = closed(worker);
    atServer.close(closeCodes.wrongRun, "this is run b");
    atServer.close(closeCodes.done, "again");
    expect(await there).toEqual({ code: closeCodes.wrongRun, reason: "this is run b" });
    await closed(atServer);
    expect(ends).toEqual([[closeCodes.wrongRun, "this is run b"]]);
    expect(await closed(atServer)).toEqual({ code: closeCodes.wrongRun, reason: "this is run b" });
  });

  it("delivers what was sent before, and nothing after", async () => {
    const { worker, atServer } = await pair();
    const got: string[] = [];
    atServer.onMessage((message) => got.push(noteOf(message)));
    const end = closed(atServer);
    for (let i = 0; i < 50; i++) worker.send(note(`${i}`), [new Uint8Array(100_000)]);
    worker.close(closeCodes.done, "finished");
    worker.send(note("too late"));
    await end;
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  it("is noticed when the peer is just gone, and wakes those who wait for it to read", async () => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    channel.onMessage(() => undefined);
    socket.pause();
    channel.send(note("tensor"), [new Uint8Array(32 * 1024 * 1024)]);
    const draining = channel.drained();
    const end = closed(channel);
    socket.destroy();
    expect((await end).code).toBe(1006);
    await draining;
  });

  it("does not wait for ever for a peer that never answers", async () => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake());
    const channel = await coordinator.nextChannel();
    socket.pause();
    const end = closed(channel);
    channel.close(closeCodes.wrongClass, "another class");
    expect(await end).toEqual({ code: closeCodes.wrongClass, reason: "another class" });
  });

  it("shortens a reason that does not fit a close frame, between characters", async () => {
    const { worker, atServer } = await pair();
    worker.onMessage(() => undefined);
    const end = closed(worker);
    atServer.close(closeCodes.wrongClass, "é".repeat(200));
    expect((await end).reason).toBe("é".repeat(61));
  });
});

describe("dialing", () => {
  it("says that nobody listens", async () => {
    const coordinator = await startCoordinator(opened);
    const { url } = coordinator.server;
    await coordinator.server.close();
    await expect(dialer().dial(url)).rejects.toMatchObject({ name: "ChannelRefused", code: undefined });
  });

  it("says that the address is none", async () => {
    await expect(dialer().dial("not an address")).rejects.toMatchObject({ name: "UserError" });
  });

  it("gives up on a peer that accepts and never answers", async () => {
    const { createServer } = await import("node:net");
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    opened.add(() => silent.close());
    const { port } = silent.address() as { port: number };
    await expect(dialer({ handshakeMs: 50 }).dial(`ws://127.0.0.1:${port}`)).rejects.toThrow(/timed out/);
  });

  it("knows a peer of this host", async () => {
    const { worker, atServer } = await pair({ clock: systemClock });
    expect([worker.local, atServer.local]).toEqual([true, true]);
    expect(atServer.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});
