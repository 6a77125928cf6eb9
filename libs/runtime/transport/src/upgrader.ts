import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { closeCodes } from "@latentweave/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { hostHeader, hostIdentity } from "./host-identity.ts";
import { memoryHeader, memoryVersion } from "./memory/memory-words.ts";
import { LimitedWebSocket, webSocketOptions } from "./limited-websocket.ts";
import { subprotocol, versionMismatch } from "./versions.ts";

export type Upgrade = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  remote: string,
  opened: (webSocket: WebSocket) => void,
) => void;

/**
 * Completes WebSocket handshakes. A peer of another protocol version is let in just far enough to be told so: a
 * handshake that fails tells a browser nothing at all.
 */
export function createUpgrader(
  maxFrameBytes: number,
  sharesMemory: (request: IncomingMessage) => boolean,
  log: (line: string) => void,
): Upgrade {
  const webSocketServer = new WebSocketServer({
    ...webSocketOptions,
    noServer: true,
    clientTracking: false,
    maxPayload: maxFrameBytes,
    WebSocket: LimitedWebSocket,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : ([...offered][0] ?? false)),
  });
  webSocketServer.on("headers", (headers, request) => {
    headers.push(`${hostHeader}: ${hostIdentity}`);
    if (sharesMemory(request)) headers.push(`${memoryHeader}: ${memoryVersion}`);
  });
  webSocketServer.on("wsClientError", (error, socket, request) => {
    const { remoteAddress, remotePort } = request.socket;
    log(`${remoteAddress}:${remotePort}: no WebSocket handshake (${error.message}); closed`);
    socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n`);
  });
  return (request, socket, head, remote, opened) => {
    webSocketServer.handleUpgrade(request, socket, head, (webSocket) => {
      if (webSocket.protocol === subprotocol) return opened(webSocket);
      const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
      const reason = versionMismatch(offered.filter((name) => name !== ""));
      log(`${remote}: ${reason}; closed with ${closeCodes.wrongVersion}`);
      webSocket.on("error", () => undefined);
      // A close frame holds 123 bytes of reason.
      webSocket.close(closeCodes.wrongVersion, reason.slice(0, 120));
    });
  };
}
