import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { hostHeader, isLoopbackAddress, isOnThisHost } from "./host-identity.ts";
import { forwardedHeader } from "./tunnel.ts";
import type { Peer } from "./websocket-channel.ts";

/** Who is at the other end of a request, seen through a tunnel where it came by one. */
export function peerOf(headers: IncomingHttpHeaders, socket: Socket): Peer {
  const identity = single(headers[hostHeader]);
  const forwarded = single(headers[forwardedHeader]);
  // Only a process of this host can have sent the header honestly; from elsewhere it is a claim.
  if (forwarded !== undefined && isLoopbackAddress(socket.remoteAddress ?? "")) {
    const address = forwarded.slice(0, forwarded.lastIndexOf(":"));
    return {
      remote: `${printable(forwarded)} (tunnel)`,
      local: isOnThisHost(address, undefined, identity),
      dialled: true,
    };
  }
  return {
    remote: `${socket.remoteAddress}:${socket.remotePort}`,
    local: isOnThisHost(socket.remoteAddress, socket.localAddress, identity),
    dialled: true,
  };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Goes into log lines. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}
