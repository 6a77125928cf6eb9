import { type Channel, closeCodes } from "@latentweave/protocol";
import { createServer, type InProcess, loopbackIdentity, type ServerOptions } from "@latentweave/transport";
import type { RelayPort } from "@latentweave/worker-engine";

/** A port of loopback at which other workers of this host come to the shards, and this one too, without a socket. */
export interface OpenRelayPort extends RelayPort {
  close(): Promise<void>;
}

const host = "127.0.0.1";

/** @returns undefined, with one line in the log, where there is no port to be had: every worker speaks for itself then */
export async function openRelayPort(
  options: Pick<
    ServerOptions,
    "clock" | "parseMessage" | "maxFrameBytes" | "heartbeatMs" | "sharedMemory" | "log" | "token"
  > & { readonly inProcess: InProcess },
): Promise<OpenRelayPort | undefined> {
  let take: (channel: Channel, shard: number) => void = (channel) =>
    channel.close(closeCodes.goingAway, "not ready");
  const onChannel = (channel: Channel, path: string): void => {
    const shard = /^\/v1\/shards\/(\d+)$/.exec(path)?.[1];
    if (shard === undefined) channel.close(closeCodes.protocolError, `there is nothing at ${path}`);
    else take(channel, Number(shard));
  };
  const server = await createServer({
    ...options,
    ...{ host, port: 0 },
    onChannel: (path, channel) => onChannel(channel, path),
  }).catch((error: unknown) => {
    options.log(`this worker cannot relay for others of its host: ${String(error)}`);
    return undefined;
  });
  if (!server) return undefined;
  options.inProcess.listen(server.port, onChannel);
  return {
    loopback: loopbackIdentity,
    port: server.port,
    addressOf: ({ port }, shard) => `ws://${host}:${port}/v1/shards/${shard}`,
    listen(accept) {
      take = accept;
    },
    close: () => server.close(),
  };
}
