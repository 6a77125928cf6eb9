import { type Channel, closeCodes, type Message, parseMessage, systemClock } from "@latentweave/protocol";
import { createServer, createWebSocketDialer, keepConnected } from "@latentweave/transport";
import { expect } from "vitest";
import type { Way } from "../proxy/fault.ts";
import { createFaultyProxy, type FaultyProxy, type FaultyProxyOptions } from "../proxy/faulty-proxy.ts";
import { keyedRandom } from "../draw/keyed-random.ts";

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

const transport = {
  clock: systemClock,
  parseMessage,
  maxFrameBytes: 64 * 1024 * 1024,
  heartbeatMs: 200,
};
const tensorBytes = 100_000;

export interface Exchange {
  readonly proxy: FaultyProxy;
  /** Resolves when both sides have all that the other has sent. */
  readonly done: Promise<void>;
  /** Numbers of the messages that a side has received, in order, repetitions included. */
  readonly received: Readonly<Record<Way, readonly number[]>>;
  /** Why connections ended so far, as the client saw it. */
  readonly ends: readonly number[];
  /** Connections that were made so far. */
  connections(): number;
}

/**
 * Two sides, connected once already, with real transport that send each other numbered messages with a tensor each, and send again on every
 * new connection what was not acknowledged: as engines do.
 */
export async function startExchange(
  opened: Opened,
  count: number,
  changes: Partial<FaultyProxyOptions> = {},
): Promise<Exchange> {
  const received: Record<Way, number[]> = { up: [], down: [] };
  const ends: number[] = [];
  let connections = 0;
  let finish: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (finish = resolve));
  let opens: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => (opens = resolve));
  const acknowledged: Record<Way, Set<number>> = { up: new Set(), down: new Set() };

  /** @param out the direction in which this side sends */
  const take = (channel: Channel, out: Way): void => {
    const into = out === "up" ? "down" : "up";
    channel.onMessage((message, slices) => {
      const { number, isAcknowledgement } = read(message);
      if (isAcknowledgement) {
        acknowledged[out].add(number);
        if (acknowledged.up.size === count && acknowledged.down.size === count) finish();
        return;
      }
      // Whatever happens on the way, nothing but what was sent arrives.
      expect(number).toBeLessThan(count);
      expect(slices.length).toBe(1);
      expect(Buffer.compare(slices[0] as Uint8Array, tensorOf(number))).toBe(0);
      received[into].push(number);
      channel.send(note(`ack ${number}`));
    });
    for (let i = 0; i < count; i++) if (!acknowledged[out].has(i)) channel.send(note(`${i}`), [tensorOf(i)]);
  };

  const server = await createServer({
    ...transport,
    host: "127.0.0.1",
    port: 0,
    log: () => undefined,
    onChannel: (_, channel) => take(channel, "down"),
  });
  opened.add(() => server.close());
  const proxy = await createFaultyProxy({
    target: { host: "127.0.0.1", port: server.port },
    listen: { host: "127.0.0.1", port: 0 },
    faults: [],
    clock: systemClock,
    random: keyedRandom(1),
    ...changes,
  });
  opened.add(() => proxy.close());
  const abort = new AbortController();
  const ended = keepConnected({
    dialer: createWebSocketDialer({ ...transport, handshakeMs: 500 }),
    url: `ws://127.0.0.1:${proxy.port}`,
    clock: systemClock,
    random: () => 0,
    signal: abort.signal,
    onWaiting: () => undefined,
    onChannel: (channel) => {
      connections += 1;
      channel.onClose((code) => ends.push(code));
      take(channel, "up");
      opens();
    },
  });
  opened.add(async () => {
    abort.abort();
    await ended;
  });
  await connected;
  return { proxy, done, received, ends, connections: () => connections };
}

export const wasDamaged = closeCodes.damaged;

function note(text: string): Message {
  return { type: "leaving", runId: "r", reason: text };
}

function read(message: Message): { number: number; isAcknowledgement: boolean } {
  const text = message.type === "leaving" ? message.reason : "";
  return { number: Number(text.replace("ack ", "")), isAcknowledgement: text.startsWith("ack ") };
}

function tensorOf(number: number): Uint8Array {
  return Uint8Array.from({ length: tensorBytes }, (_, i) => (i * (number + 1)) & 0xff);
}
