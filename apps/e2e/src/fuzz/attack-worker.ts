import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fuzzFrame, fuzzWire, keyedRandom, sampleMessages, wireMessage } from "@latentweave/faults";
import { encodeFrame, type Message } from "@latentweave/protocol";
import { subprotocol } from "@latentweave/transport";

/** A coordinator and a shard in one, that answer every worker properly for a while and then with a frame that is wrong. */
export interface HostileServer {
  readonly port: number;
  /** Frames sent so far that were wrong. */
  readonly frames: number;
  close(): void;
}

const runId = "fuzzed";
/** A worker that has not hung up by then never does. */
const patienceMs = 10_000;

/**
 * @param specText of the run that the worker is told to compute
 * @param onHung called when a worker keeps a connection that ended
 */
export async function startHostileServer(
  specText: string,
  seed: number,
  onHung: () => void,
): Promise<HostileServer> {
  const random = keyedRandom(seed);
  const sockets = new Set<Socket>();
  let frames = 0;

  const openings: Record<string, readonly Message[]> = {
    "/v1/coordinator": [
      {
        ...{ type: "welcome", runId, generation: 1, runKey: "0", spec: specText },
        ...{ shards: ["/v1/shard"], data: { kind: "directory", at: "nowhere" } },
      },
      {
        ...{ type: "assignment", runId, quorumId: 1, rank: 0, worldSize: 1 },
        leases: [{ task: "table", start: 0, end: 2 }],
        audits: [],
      },
    ],
    "/v1/shard": [
      { type: "broadcast", runId, timeline: 0, step: 3, round: 0, quorumId: 1, index: 0, slices: [] },
    ],
  };
  const samples = sampleMessages(runId, "fuzz");

  const answer = (socket: Socket, head: string): void => {
    const path = /^GET (\S+)/.exec(head)?.[1] ?? "";
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const lines = [
      ...["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"],
      ...[`Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${subprotocol}`, "", ""],
    ];
    const number = frames++;
    const draw = (what: string): number => random(number, what);
    const opening = openings[path] ?? [];
    const said = Math.floor(draw("opening") * (opening.length + 1));
    const { bytes } = fuzzFrame(samples, draw, said);
    const goodbye = wireMessage(Buffer.from([0x03, 0xe9]), { masked: false, opcode: 8 });
    socket.end(
      Buffer.concat([
        Buffer.from(lines.join("\r\n")),
        ...opening
          .slice(0, said)
          .map((message, sequence) =>
            wireMessage(Buffer.concat(encodeFrame(message, [], { sequence })), { masked: false }),
          ),
        ...[fuzzWire(bytes, false, draw), goodbye],
      ]),
    );
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let head = "";
    const timer = setTimeout(onHung, patienceMs);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      if (head.includes("\r\n\r\n")) return;
      head += chunk.toString("latin1");
      if (head.includes("\r\n\r\n")) answer(socket, head);
    });
    socket.once("end", () => socket.end());
    socket.once("close", () => {
      clearTimeout(timer);
      sockets.delete(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get frames() {
      return frames;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
