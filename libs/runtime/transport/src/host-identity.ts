import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import os from "node:os";

/** Sent by both sides of a handshake, so that a loopback address which is really a forwarded port is not taken for this host. */
export const hostHeader = "x-latentweave-host";

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux: the host name has to do.
    return "";
  }
}

/** The same in every process of this host until it is rebooted, and says nothing about it to others. */
export const hostIdentity: string = createHash("sha256")
  .update(`${os.hostname()}\0${bootId()}`)
  .digest("hex")
  .slice(0, 32);

function networkNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/net");
  } catch {
    // Not Linux: a host has one loopback interface.
    return "";
  }
}

/** The same in every process that reaches the others of them by loopback: containers of one host may each have their own. */
export const loopbackIdentity: string = createHash("sha256")
  .update(`${hostIdentity}\0${networkNamespace()}`)
  .digest("hex")
  .slice(0, 32);

/** 127.0.0.0/8, ::1, and the former as IPv4 addresses mapped into IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return plain === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain);
}

/** A name or address that can only mean this host, with or without the brackets of a URL. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || isLoopbackAddress(name);
}

/** Whether direct addresses and paths may be given to the peer at the other end of a socket. */
export function isOnThisHost(
  remoteAddress: string | undefined,
  localAddress: string | undefined,
  peerIdentity: string | undefined,
): boolean {
  if (remoteAddress === undefined) return false;
  if (peerIdentity !== undefined && peerIdentity !== hostIdentity) return false;
  return isLoopbackAddress(remoteAddress) || remoteAddress === localAddress;
}
