import { type Channel, ChannelRefused, closeCodes, parseMessage, systemClock } from "@latentweave/protocol";
import { createInProcess, createWebSocketDialer } from "@latentweave/transport";
import { afterEach, describe, expect, it } from "vitest";
import { type OpenRelayPort, openRelayPort } from "./open-relay-port.ts";

const opened: OpenRelayPort[] = [];
afterEach(() => Promise.all(opened.splice(0).map((port) => port.close())));

const connecting = {
  ...{ clock: systemClock, parseMessage, maxFrameBytes: 1 << 20, heartbeatMs: 5_000 },
  log: () => undefined,
};

async function openPort() {
  const inProcess = createInProcess();
  const port = await openRelayPort({ ...connecting, token: "secret", inProcess });
  if (!port) throw new Error("no port");
  opened.push(port);
  const socket = createWebSocketDialer({ ...connecting, token: "secret" });
  return { port, socket, own: inProcess.dialer({ dial: () => Promise.reject(new Error("beyond")) }) };
}

const closeOf = (channel: Channel): Promise<number> =>
  new Promise((resolve) => channel.onClose((code) => resolve(code)));

describe("the port at which a worker relays", () => {
  it("is reached by other processes through a socket and by its own without one, each shard by its path", async () => {
    const { port, socket, own } = await openPort();
    const came: [shard: number, remote: string][] = [];
    port.listen((channel, shard) => void came.push([shard, channel.remote]));
    await socket.dial(port.addressOf({ workerId: "w", port: port.port }, 1));
    await own.dial(port.addressOf({ workerId: "w", port: port.port }, 2));
    expect(came).toEqual([
      [1, expect.stringMatching(/^127\.0\.0\.1:/)],
      [2, "this process"],
    ]);
    expect(port.loopback).toMatch(/^[0-9a-f]{32}$/);
  });

  it("closes what comes before there is anybody to take it, and what is no shard", async () => {
    const { port, socket } = await openPort();
    const early = await socket.dial(port.addressOf({ workerId: "w", port: port.port }, 0));
    expect(await closeOf(early)).toBe(closeCodes.goingAway);
    port.listen(() => undefined);
    const lost = await socket.dial(`ws://127.0.0.1:${port.port}/v1/coordinator`);
    expect(await closeOf(lost)).toBe(closeCodes.protocolError);
  });

  it("refuses who does not know the run's token", async () => {
    const { port } = await openPort();
    const stranger = createWebSocketDialer({ ...connecting, token: "wrong" });
    await expect(stranger.dial(port.addressOf({ workerId: "w", port: port.port }, 0))).rejects.toThrow(
      ChannelRefused,
    );
  });
});
