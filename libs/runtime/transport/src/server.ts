import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Channel, type Clock, closeCodes, type Message, type SharedMemory } from "@latentweave/protocol";
import { type AdmissionPolicy } from "./admission.ts";
import { answerHttp, type HttpHandler } from "./http-answers.ts";
import { Gate } from "./gate.ts";
import { defaultMaxBufferedBytes } from "./limited-websocket.ts";
import { listen, urlOf } from "./listen.ts";
import { memoryHeader, memoryVersion } from "./memory/memory-words.ts";
import { peerOf } from "./peer.ts";
import { openTunnel, type TunnelTarget } from "./tunnel.ts";
import { withOwnReads } from "./reading/socket-reads.ts";
import { createUpgrader } from "./upgrader.ts";
import { WebSocketChannel } from "./websocket-channel.ts";

/*
 * Owns: one port for HTTP, WebSockets and tunnels, and everything that was opened through it. Does not own: who may
 * enter (gate.ts, admission.ts), what a channel carries, what HTTP answers.
 *
 * Invariants:
 * 1. Nothing passes the port without `Gate`: HTTP, upgrades and tunnels alike.
 * 2. A peer can cause one line in the log and the end of its own connection.
 * 3. After `close()` has resolved the port is free and no socket of it is left.
 */

export interface ServerOptions {
  /** Without a token only loopback addresses are accepted. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly token?: string | undefined;
  /** Further origins (scheme://host:port) whose pages may connect; the server's own always may. */
  readonly allowedOrigins?: readonly string[];
  /** @throws ProtocolError */
  readonly parseMessage: (value: unknown) => Message;
  readonly maxFrameBytes: number;
  readonly heartbeatMs: number;
  /** How long a peer took to answer a heartbeat, for each answer. */
  readonly onRoundTrip?: (ms: number) => void;
  readonly clock: Clock;
  /** Bytes kept for a peer that does not read, before its channel is closed with `overloaded`. */
  readonly maxBufferedBytes?: number;
  /** Large slices go through it to peers of this host that have it too. */
  readonly sharedMemory?: SharedMemory | undefined;
  /** Sockets open at once, HTTP included. */
  readonly maxConnections?: number;
  /** A channel is handed over before anything was read from it; `path` has no query. */
  readonly onChannel: (path: string, channel: Channel) => void;
  /** @returns false for what it does not know; that is answered with 404. */
  readonly http?: HttpHandler;
  /** Where upgrade requests for this path go instead of to `onChannel`; undefined: nowhere else. */
  readonly tunnel?: (path: string) => TunnelTarget | undefined;
  readonly log: (line: string) => void;
}

export interface TransportServer {
  readonly port: number;
  /** http://host:port under which this host reaches the server; dialers take it as it is. */
  readonly url: string;
  /** Closes channels with `goingAway`, ends tunnels and requests, and resolves when the port is free. */
  close(): Promise<void>;
}

/** A fleet of hundreds with a few connections each, and a browser or two. */
const defaultMaxConnections = 4_096;
/** A peer that has not sent its request headers by then is not going to. */
const headersTimeoutMs = 10_000;
/** Time for a refused peer to read why and to close. */
const refusalLingerMs = 1_000;
/** Channels that do not answer the goodbye by then are cut. */
const closeGraceMs = 1_000;

/** @throws UserError when the port cannot be had, or may not be had without a token. */
export async function createServer(options: ServerOptions): Promise<TransportServer> {
  const { clock, log } = options;
  const server = createHttpServer({ headersTimeout: headersTimeoutMs, noDelay: true });
  server.maxConnections = options.maxConnections ?? defaultMaxConnections;
  const channels = new Set<Channel>();
  const endTunnels = new Set<() => void>();
  const sockets = new Set<Socket>();

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  server.on("connection", keep);
  server.on("drop", () => log(`connection refused: ${server.maxConnections} are open`));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code !== "ECONNRESET") {
      log(`${socket.remoteAddress}:${socket.remotePort}: not HTTP (${error.code ?? error.message}); closed`);
    }
    refuse(clock, socket, 400, "this port speaks HTTP and WebSocket");
  });

  const address = await listen(server, options.host, options.port, options.token !== undefined);
  // From here on an error is no longer one of listening.
  server.on("error", (error) => log(`server: ${error.message}`));
  const policy: AdmissionPolicy = {
    token: options.token,
    allowedOrigins: options.allowedOrigins ?? [],
    cookieName: `latentweave-token-${address.port}`,
  };
  /** The dialer goes by this side's word, so that both come to the same. */
  const sharesMemory = (request: IncomingMessage): boolean =>
    options.sharedMemory !== undefined &&
    request.headers[memoryHeader] === memoryVersion &&
    peerOf(request.headers, request.socket).local;
  const gate = new Gate(policy, clock, log);
  const upgrade = createUpgrader(options.maxFrameBytes, sharesMemory, log);

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void answerHttp(request, response, gate, options.http, log);
  });

  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const entry = gate.enter(request, socket);
    if (entry.kind === "refused") return refuse(clock, socket, entry.status, entry.reason);
    const target = options.tunnel?.(entry.path);
    if (target !== undefined) {
      const end = openTunnel(request, socket, head, target, (reason) => refuse(clock, socket, 503, reason));
      endTunnels.add(end);
      socket.once("close", () => endTunnels.delete(end));
      return;
    }
    const peer = peerOf(request.headers, socket);
    const memory = sharesMemory(request) ? options.sharedMemory : undefined;
    const own = withOwnReads(socket);
    sockets.delete(socket);
    keep(own);
    own.on("error", () => own.destroy());
    upgrade(request, own, head, peer.remote, (webSocket) => {
      const channelOptions = {
        ...options,
        maxBufferedBytes: options.maxBufferedBytes ?? defaultMaxBufferedBytes,
      };
      const channel = new WebSocketChannel(webSocket, own, peer, channelOptions, memory);
      channels.add(channel);
      channel.onClose(() => channels.delete(channel));
      options.onChannel(entry.path, channel);
    });
  });

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const cancelCut = clock.after(closeGraceMs, () => sockets.forEach((socket) => socket.destroy()));
      server.close(() => {
        cancelCut();
        resolve();
      });
      for (const channel of [...channels]) channel.close(closeCodes.goingAway, "the server is closing");
      for (const end of endTunnels) end();
      server.closeIdleConnections();
    });
  return { port: address.port, url: urlOf(address), close: () => (closing ??= close()) };
}

/** Answers an upgrade that is not made, or what is no HTTP at all. */
function refuse(clock: Clock, socket: Socket, status: number, reason: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${reason}\n`;
  const length = Buffer.byteLength(body);
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${length}\r\n\r\n${body}`,
  );
  // Unread bytes would turn the end into a reset that overtakes the answer.
  socket.resume();
  const cancel = clock.after(refusalLingerMs, () => socket.destroy());
  socket.once("close", cancel);
}
