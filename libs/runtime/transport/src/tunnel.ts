import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/*
 * Owns: one raw connection from an admitted upgrade request to a port of this host. Does not own: who may use it
 * (server.ts decides before), the bytes (nothing is parsed; WebSocket frames pass as they are).
 *
 * Invariants:
 * 1. The far side gets the client's own request, less any forged forwarding header, plus a true one.
 * 2. Back-pressure passes: neither side is read while the other cannot be written.
 * 3. When one side is gone the other goes too, after what was already read has been written.
 */

export interface TunnelTarget {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** Names the true peer to the process behind the tunnel, which would otherwise take it for one of this host. */
export const forwardedHeader = "x-latentweave-forwarded";

/**
 * @param refuse answers the client when the port cannot be reached.
 * @returns a function that ends the tunnel at once.
 */
export function openTunnel(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  target: TunnelTarget,
  refuse: (reason: string) => void,
): () => void {
  const server = connect({ host: target.host ?? "127.0.0.1", port: target.port, noDelay: true });
  client.setNoDelay(true);
  let connected = false;
  server.on("error", (error) => {
    if (!connected) refuse(`the process behind this path cannot be reached: ${error.message}`);
    else client.destroy();
  });
  server.once("connect", () => {
    connected = true;
    // Header bytes are latin1 in HTTP; what came in must go out.
    server.write(requestHead(request, `${client.remoteAddress}:${client.remotePort}`), "latin1");
    if (head.length > 0) server.write(head);
    client.pipe(server);
    server.pipe(client);
  });
  client.on("error", () => server.destroy());
  goTogether(client, server);
  goTogether(server, client);
  return () => {
    client.destroy();
    server.destroy();
  };
}

/** `pipe` passes an orderly end on by itself; a connection that is just gone ends nothing. */
function goTogether(gone: Duplex, other: Socket): void {
  gone.once("close", () => {
    if (other.connecting) other.destroy();
    else other.destroySoon();
  });
}

function requestHead(request: IncomingMessage, remote: string): string {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? "";
    if (name.toLowerCase() !== forwardedHeader) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
  }
  lines.push(`${forwardedHeader}: ${remote}`, "", "");
  return lines.join("\r\n");
}
