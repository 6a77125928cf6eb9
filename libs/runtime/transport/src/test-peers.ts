import { connect, type Socket } from "node:net";
import {
  type Channel,
  closeCodes,
  type Dialer,
  encodeFrame,
  type Message,
  parseMessage,
  systemClock,
} from "@latentweave/protocol";
import { createWebSocketDialer, type DialerOptions } from "./dialer.ts";
import { createServer, type ServerOptions, type TransportServer } from "./server.ts";
import { subprotocol } from "./versions.ts";

/** What a test opened, closed in reverse order after it. */
export class Opened {
  readonly #undo: (() => unknown)[] = [];

  add(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}

/** A coordinator's port with a record of what happened on it. */
export interface FakeCoordinator {
  readonly server: TransportServer;
  readonly log: string[];
  /** The next channel that a peer opens. */
  nextChannel(): Promise<Channel>;
}

export const maxFrameBytes = 64 * 1024 * 1024;

export async function startCoordinator(
  opened: Opened,
  changes: Partial<ServerOptions> = {},
): Promise<FakeCoordinator> {
  const log: string[] = [];
  const arrived: Channel[] = [];
  const wanted: ((channel: Channel) => void)[] = [];
  const server = await createServer({
    host: "127.0.0.1",
    port: 0,
    parseMessage,
    maxFrameBytes,
    heartbeatMs: 60_000,
    clock: systemClock,
    onChannel: (_, channel) => {
      const next = wanted.shift();
      if (next === undefined) arrived.push(channel);
      else next(channel);
    },
    log: (line) => log.push(line),
    ...changes,
  });
  opened.add(() => server.close());
  const nextChannel = (): Promise<Channel> => {
    const channel = arrived.shift();
    return channel === undefined ? new Promise((resolve) => wanted.push(resolve)) : Promise.resolve(channel);
  };
  return { server, log, nextChannel };
}

export function dialer(changes: Partial<DialerOptions> = {}): Dialer {
  return createWebSocketDialer({
    clock: systemClock,
    parseMessage,
    maxFrameBytes,
    heartbeatMs: 60_000,
    ...changes,
  });
}

export async function dial(
  opened: Opened,
  url: string,
  changes: Partial<DialerOptions> = {},
): Promise<Channel> {
  const channel = await dialer(changes).dial(url);
  opened.add(() => channel.close(closeCodes.done, "the test is over"));
  return channel;
}

export function note(text: string): Message {
  return { type: "leaving", runId: "r", reason: text };
}

/** A frame as one piece, for peers that write bytes. */
export function frameOf(message: object, sequence = 0): Uint8Array {
  return Buffer.concat(encodeFrame(message, [], { sequence }));
}

export function noteOf(message: Message): string {
  return message.type === "leaving" ? message.reason : message.type;
}

export function closed(channel: Channel): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => channel.onClose((code, reason) => resolve({ code, reason })));
}

/** The next message, its slices copied. */
export function received(
  channel: Channel,
  count: number,
): Promise<{ message: Message; slices: Uint8Array[] }[]> {
  const all: { message: Message; slices: Uint8Array[] }[] = [];
  return new Promise((resolve) => {
    channel.onMessage((message, slices) => {
      all.push({ message, slices: slices.map((slice) => slice.slice()) });
      if (all.length === count) resolve(all);
    });
  });
}

/** A peer made of nothing but a TCP socket: reads when told to, and sends whatever bytes it likes. */
export async function rawPeer(opened: Opened, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  opened.add(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

export function handshake(path = "/", headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": subprotocol,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** A masked binary WebSocket message with a mask of zeros. */
export function webSocketMessage(payload: Uint8Array, announcedBytes = payload.length): Uint8Array {
  const head = Buffer.alloc(14);
  head[0] = 0x82;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(announcedBytes), 2);
  return Buffer.concat([head, payload]);
}

/** Everything that the socket gives, until the other side ends it or has said goodbye; then the socket is gone. */
export async function readAll(socket: Socket): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (closeFrameOf(bytes) !== undefined) break;
  }
  return bytes;
}

/** The close frame at the end of what a server sent. */
export function closeFrameOf(bytes: Buffer): { code: number; reason: string } | undefined {
  const at = bytes.lastIndexOf(0x88);
  if (at < 0 || bytes.length < at + 4) return undefined;
  const end = at + 2 + (bytes[at + 1] ?? 0);
  if (end !== bytes.length) return undefined;
  return { code: bytes.readUInt16BE(at + 2), reason: bytes.subarray(at + 4, end).toString("utf8") };
}
