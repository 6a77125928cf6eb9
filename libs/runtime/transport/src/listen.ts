import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "@latentweave/protocol";
import { isLoopbackAddress, isLoopbackHost } from "./host-identity.ts";

/**
 * Binds the server, or says what a person can do about it.
 *
 * @param hasToken without one, nothing but this host may reach the port.
 * @throws UserError
 */
export async function listen(
  server: Server,
  host: string,
  port: number,
  hasToken: boolean,
): Promise<AddressInfo> {
  if (!hasToken && !isLoopbackHost(host)) throw needsToken(host);
  const address = await new Promise<AddressInfo>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
    server.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port }, () =>
      resolve(server.address() as AddressInfo),
    );
  });
  // "localhost" means what a file on this machine says it means.
  if (!hasToken && !isLoopbackAddress(address.address)) {
    await new Promise((resolve) => server.close(resolve));
    throw needsToken(`${host} (${address.address})`);
  }
  return address;
}

function needsToken(host: string): UserError {
  return new UserError({
    what: `will not listen on ${host} without a token: anybody who reaches it could join the run`,
    expected: "a token, or an address that only this host can reach",
    mend: "give --token SECRET, or --host 127.0.0.1",
  });
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): UserError {
  const where = `${host}:${port}`;
  if (error.code === "EADDRINUSE") {
    return new UserError({
      what: `port ${port} is already in use`,
      where,
      mend: "end the process that uses it, or choose another with --port N (--port 0 takes any free one)",
      cause: error,
    });
  }
  if (error.code === "EACCES") {
    return new UserError({
      what: `no permission to listen on port ${port}`,
      where,
      mend: "choose a port from 1024 on with --port N",
      cause: error,
    });
  }
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") {
    return new UserError({
      what: "this host has no such address",
      where,
      mend: "give --host an address of this host, or 0.0.0.0 for all of them",
      cause: error,
    });
  }
  return new UserError({ what: `cannot listen: ${error.message}`, where, cause: error });
}

/** A URL under which this host reaches the port. */
export function urlOf(address: AddressInfo): string {
  const unspecified = address.address === "0.0.0.0" || address.address === "::";
  if (unspecified) return `http://127.0.0.1:${address.port}`;
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}
