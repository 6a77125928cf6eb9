import { afterEach, describe, expect, it } from "vitest";
import { type Channel, closeCodes } from "@latentweave/protocol";
import {
  closed,
  dial,
  dialer,
  handshake,
  note,
  noteOf,
  Opened,
  rawPeer,
  received,
  startCoordinator,
} from "./test-peers.ts";
import { forwardedHeader } from "./tunnel.ts";

const opened = new Opened();
afterEach(() => opened.close());

/** A worker that reaches a shard only through the coordinator's port. */
async function threeProcesses(token?: string) {
  const shard = await startCoordinator(opened);
  const coordinator = await startCoordinator(opened, {
    token,
    tunnel: (path) => (path === "/v1/shards/0" ? { port: shard.server.port } : undefined),
  });
  const url = `${coordinator.server.url}/v1/shards/0`;
  return { shard, coordinator, url };
}

function tensor(bytes: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * seed) & 0xff);
}

describe("a tunnel", () => {
  it("carries frames of 10 MB both ways, unchanged and in order", async () => {
    const { shard, url } = await threeProcesses("t");
    const worker = await dial(opened, url, { token: "t" });
    const atShard = await shard.nextChannel();
    const tensors = [3, 5, 7, 11].map((seed) => tensor(10_000_000, seed));
    for (const [from, to] of [
      [worker, atShard],
      [atShard, worker],
    ] as const) {
      const arriving = received(to, tensors.length);
      tensors.forEach((bytes, i) => from.send(note(`${i}`), [bytes, Uint8Array.of(i)]));
      const messages = await arriving;
      messages.forEach(({ message, slices }, i) => {
        expect(noteOf(message)).toBe(`${i}`);
        expect(Buffer.compare(slices[0] ?? new Uint8Array(0), tensors[i] ?? new Uint8Array(0))).toBe(0);
        expect(slices[1]).toEqual(Uint8Array.of(i));
      });
    }
  });

  it("passes back-pressure on: what a slow worker does not read waits at the shard, bounded", async () => {
    const { shard, coordinator } = await threeProcesses();
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake("/v1/shards/0"));
    const atShard = await shard.nextChannel();
    socket.pause();
    const messageBytes = 8 * 1024 * 1024;
    let sent = 0;
    const sending = (async () => {
      for (; sent < 12; sent++) {
        atShard.send(note("tensor"), [new Uint8Array(messageBytes)]);
        await atShard.drained();
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Kernel buffers of the two connections hold a few megabytes; without back-pressure all twelve would have gone.
    expect(sent).toBeLessThan(4);
    expect(atShard.bufferedBytes).toBeGreaterThan(0);
    let read = 0;
    socket.on("data", (chunk) => (read += chunk.length));
    socket.resume();
    await sending;
    while (read < 12 * messageBytes) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("passes a close on, with its code and reason", async () => {
    const { shard, url } = await threeProcesses();
    const worker = await dial(opened, url);
    const atShard = await shard.nextChannel();
    const end = closed(worker);
    atShard.close(closeCodes.wrongRun, "this is another run");
    expect(await end).toEqual({ code: closeCodes.wrongRun, reason: "this is another run" });
  });

  it.each(["worker", "shard", "coordinator"] as const)(
    "ends on every side when the %s is just gone",
    async (who) => {
      const { shard, coordinator } = await threeProcesses();
      const socket = await rawPeer(opened, coordinator.server.port);
      socket.write(handshake("/v1/shards/0"));
      const atShard = await shard.nextChannel();
      atShard.onMessage(() => undefined);
      const shardEnd = closed(atShard);
      const workerEnd = new Promise((resolve) => socket.once("close", resolve));
      socket.resume();
      if (who === "worker") socket.resetAndDestroy();
      if (who === "shard") await shard.server.close();
      if (who === "coordinator") await coordinator.server.close();
      await shardEnd;
      await workerEnd;
    },
  );

  it("is refused without the token, before anything reaches the shard", async () => {
    const { shard, url } = await threeProcesses("t");
    await expect(dialer({ token: "x" }).dial(url)).rejects.toMatchObject({ code: closeCodes.wrongToken });
    await dial(opened, url, { token: "t" });
    await shard.nextChannel();
    expect(shard.log).toEqual([]);
  });

  it("says that the shard is not there, in a way that is worth trying again", async () => {
    const { shard, url } = await threeProcesses();
    await shard.server.close();
    await expect(dialer().dial(url)).rejects.toMatchObject({
      name: "ChannelRefused",
      code: closeCodes.overloaded,
    });
  });

  it("names the worker to the shard, and does not let it pass for a process of the shard's host", async () => {
    const { shard, coordinator, url } = await threeProcesses();
    await dial(opened, url);
    const honest = await shard.nextChannel();
    expect(honest.remote).toMatch(/^127\.0\.0\.1:\d+ \(tunnel\)$/);
    expect(honest.local).toBe(true);

    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake("/v1/shards/0", { [forwardedHeader]: "10.9.8.7:1" }));
    const forger: Channel = await shard.nextChannel();
    expect(forger.remote).not.toContain("10.9.8.7");

    const elsewhere = await rawPeer(opened, shard.server.port);
    elsewhere.write(handshake("/v1/shards/0", { [forwardedHeader]: "10.9.8.7:1" }));
    const remote = await shard.nextChannel();
    expect([remote.remote, remote.local]).toEqual(["10.9.8.7:1 (tunnel)", false]);
  });
});
