import type { ClientRequestArgs, IncomingMessage } from "node:http";
import type { Socket, TcpNetConnectOpts } from "node:net";
import {
  type Channel,
  ChannelRefused,
  type Clock,
  closeCodes,
  type Dialer,
  type Message,
  type SharedMemory,
  UserError,
} from "@latentweave/protocol";
import { hostHeader, hostIdentity, isOnThisHost } from "./host-identity.ts";
import { defaultMaxBufferedBytes, LimitedWebSocket, webSocketOptions } from "./limited-websocket.ts";
import { memoryHeader, memoryVersion } from "./memory/memory-words.ts";
import { connectWithOwnReads } from "./reading/socket-reads.ts";
import { subprotocol } from "./versions.ts";
import { WebSocketChannel } from "./websocket-channel.ts";

export interface DialerOptions {
  readonly clock: Clock;
  /** @throws ProtocolError */
  readonly parseMessage: (value: unknown) => Message;
  /** Largest frame sent or accepted; both sides of a connection must agree. */
  readonly maxFrameBytes: number;
  readonly heartbeatMs: number;
  /** How long a peer took to answer a heartbeat, for each answer. */
  readonly onRoundTrip?: (ms: number) => void;
  /** A heartbeat of a peer has come: what its clock showed when it was sent. */
  readonly onHeartbeat?: (peerMs: number) => void;
  readonly token?: string | undefined;
  /** Bytes kept for a peer that does not read, before the connection is closed with `overloaded`. */
  readonly maxBufferedBytes?: number;
  /** How long the peer may take to answer the handshake. */
  readonly handshakeMs?: number;
  /** Large slices go through it to peers of this host that have it too. */
  readonly sharedMemory?: SharedMemory | undefined;
  readonly log?: (line: string) => void;
}

const defaultHandshakeMs = 10_000;
/** What a refusing server says is shown to people; nobody needs more of it. */
const maxRefusalBytes = 2_000;

/**
 * Opens channels over WebSockets to `createServer`'s port. URLs are ws:, wss:, http: or https:.
 *
 * `dial` rejects with ChannelRefused (code `wrongToken` or `overloaded` where the server said so), or UserError where
 * the URL is none. A peer of another protocol version closes the channel with `wrongVersion` just after it opened.
 */
export function createWebSocketDialer(options: DialerOptions): Dialer {
  return { dial: (url) => dial(url, options) };
}

function dial(url: string, options: DialerOptions): Promise<Channel> {
  const shown = withoutToken(url);
  return new Promise((resolve, reject) => {
    const webSocket = new LimitedWebSocket(url, [subprotocol], {
      ...webSocketOptions,
      maxPayload: options.maxFrameBytes,
      handshakeTimeout: options.handshakeMs ?? defaultHandshakeMs,
      // The mask defends proxies against scripts in browsers that choose the bytes on the wire; this is no browser.
      // A mask of zeros is legal, and saves both sides a pass over every byte.
      generateMask: (mask: Buffer) => {
        mask.fill(0);
      },
      ...(isSecure(url) ? {} : { createConnection }),
      headers: {
        [hostHeader]: hostIdentity,
        ...(options.sharedMemory && { [memoryHeader]: memoryVersion }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      },
    });
    let socket: Socket | undefined;
    let identity: string | undefined;
    let sharesMemory = false;
    webSocket.once("upgrade", (response) => {
      socket = response.socket;
      const header = response.headers[hostHeader];
      identity = Array.isArray(header) ? header[0] : header;
      sharesMemory = response.headers[memoryHeader] === memoryVersion;
    });
    webSocket.once("unexpected-response", (request, response) => {
      void refusalText(response).then((text) => {
        request.destroy();
        const reason = `refused with HTTP ${response.statusCode}${text === "" ? "" : `: ${text}`}`;
        reject(new ChannelRefused(shown, reason, codeOfStatus(response.statusCode)));
      });
    });
    webSocket.on("error", (error) => reject(new ChannelRefused(shown, reasonOf(error))));
    webSocket.once("open", () => {
      if (socket === undefined) throw new Error("WebSocket opened without a response");
      const { remoteAddress, remotePort, localAddress } = socket;
      const peer = {
        remote: `${remoteAddress}:${remotePort}`,
        local: isOnThisHost(remoteAddress, localAddress, identity),
        dialled: false,
      };
      const channelOptions = {
        ...options,
        maxBufferedBytes: options.maxBufferedBytes ?? defaultMaxBufferedBytes,
        log: options.log ?? (() => undefined),
      };
      const memory = sharesMemory ? options.sharedMemory : undefined;
      resolve(new WebSocketChannel(webSocket, socket, peer, channelOptions, memory));
    });
  }).catch((error: unknown) => {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError({
      what: "not an address to connect to",
      where: shown,
      expected: "such as ws://192.168.1.10:7070",
      cause: error,
    });
  }) as Promise<Channel>;
}

/** Encrypted connections read as Node does it. */
function isSecure(url: string): boolean {
  return /^(wss|https):/i.test(url);
}

/** The request's path would be taken for that of a socket in the file system. */
function createConnection(options: ClientRequestArgs): Socket {
  return connectWithOwnReads({ ...(options as TcpNetConnectOpts), path: undefined } as TcpNetConnectOpts);
}

function codeOfStatus(status: number | undefined): number | undefined {
  if (status === 401) return closeCodes.wrongToken;
  if (status === 429 || status === 503) return closeCodes.overloaded;
  return undefined;
}

function reasonOf(error: Error): string {
  // Several addresses of one name were tried: the message is empty, the reasons are inside.
  if (error instanceof AggregateError) return error.errors.map((each: unknown) => String(each)).join("; ");
  return error.message;
}

function withoutToken(url: string): string {
  return url.replace(/([?&]token=)[^&]*/g, "$1...");
}

async function refusalText(response: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > maxRefusalBytes) break;
    }
  } catch {
    // The status says enough.
  }
  return text.slice(0, maxRefusalBytes).trim();
}
