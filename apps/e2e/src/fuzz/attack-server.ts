import { connect } from "node:net";
import { fuzzFrame, fuzzWire, keyedRandom, type Sample, wireMessage } from "@latentweave/faults";
import { encodeFrame, type Message } from "@latentweave/protocol";
import { subprotocol } from "@latentweave/transport";

export interface Attack {
  readonly port: number;
  readonly path: string;
  /** Said in order, and properly, before the frame that is wrong: none of it, some or all. */
  readonly opening: readonly Message[];
  readonly samples: readonly Sample[];
  /** Frames that are sent: one on each connection, for most are the last that is read of it. */
  readonly frames: number;
  readonly seed: number;
  /** After so many frames, and at the end. */
  readonly every: { readonly frames: number; readonly look: () => void };
}

export interface AttackOutcome {
  /** Connections by what the server said at their end: a close code, or nothing. */
  readonly ends: Readonly<Record<string, number>>;
  /** Connections that were still open long after they were ended from here. */
  readonly hung: number;
}

const together = 16;
/** A server that has not let go of a dead connection by then does not. */
const patienceMs = 10_000;

/** Sends wrong frames to a server, over as many connections. */
export async function attackServer(attack: Attack): Promise<AttackOutcome> {
  const random = keyedRandom(attack.seed);
  const ends: Record<string, number> = {};
  let next = 0;
  let hung = 0;
  const attacker = async (): Promise<void> => {
    for (let number = next++; number < attack.frames; number = next++) {
      const draw = (what: string): number => random(number, what);
      const said = Math.floor(draw("opening") * (attack.opening.length + 1));
      const opening = attack.opening
        .slice(0, said)
        .map((message, sequence) => wireMessage(encoded(message, sequence), { masked: true }));
      const { bytes } = fuzzFrame(attack.samples, draw, said);
      const wrong = fuzzWire(bytes, true, draw);
      const end = await speak(attack, Buffer.concat([...opening, wrong]));
      if (end === "hung") hung += 1;
      ends[end] = (ends[end] ?? 0) + 1;
      if ((number + 1) % attack.every.frames === 0) attack.every.look();
    }
  };
  await Promise.all(Array.from({ length: together }, attacker));
  attack.every.look();
  return { ends, hung };
}

function encoded(message: Message, sequence: number): Buffer {
  return Buffer.concat(encodeFrame(message, [], { sequence }));
}

/** Makes a connection, says everything, and hangs up. @returns how the server ended it */
function speak({ port, path }: Attack, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let heard = Buffer.alloc(0);
    const timer = setTimeout(() => {
      resolve("hung");
      socket.destroy();
    }, patienceMs);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => (heard = Buffer.concat([heard, chunk])));
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(closeCodeIn(heard));
    });
    const goodbye = wireMessage(Buffer.from([0x03, 0xe8]), { masked: true, opcode: 8 });
    socket.end(Buffer.concat([handshake(path), bytes, goodbye]));
  });
}

function handshake(path: string): Buffer {
  const lines = [
    ...[`GET ${path} HTTP/1.1`, "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
    ...[`Sec-WebSocket-Protocol: ${subprotocol}`, "", ""],
  ];
  return Buffer.from(lines.join("\r\n"));
}

/** Of the frames that a server sent after its answer to the handshake. */
function closeCodeIn(heard: Buffer): string {
  const headEnd = heard.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.1 (\d+)/.exec(heard.toString("latin1", 0, 20))?.[1];
  if (headEnd < 0 || status !== "101") return status ?? "nothing";
  for (let at = headEnd + 4; at + 2 <= heard.length;) {
    const short = heard[at + 1]! & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + head > heard.length) break;
    const length =
      short === 126
        ? heard.readUInt16BE(at + 2)
        : short === 127
          ? Number(heard.readBigUInt64BE(at + 2))
          : short;
    if ((heard[at]! & 0x0f) === 8) return length >= 2 ? String(heard.readUInt16BE(at + head)) : "1005";
    at += head + length;
  }
  return "nothing";
}
