import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { CommitPoint, RunSnapshot, StreamMessage } from "@latentweave/telemetry";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../..");

/** The page as the build makes it. */
export async function buildPage(): Promise<string> {
  const module = (await import(pathToFileURL(path.join(root, "tools/build/dashboard.mjs")).href)) as {
    buildDashboard(root: string): Promise<string>;
  };
  return module.buildDashboard(root);
}

/** A coordinator's HTTP side, told what to say. */
export interface ScriptedCoordinator {
  readonly url: string;
  readonly port: number;
  snapshot: RunSnapshot;
  points: readonly CommitPoint[];
  send(message: StreamMessage): void;
  stop(): Promise<void>;
}

export async function serve(
  page: string,
  snapshot: RunSnapshot,
  points: readonly CommitPoint[],
  options: { readonly port?: number; readonly token?: string } = {},
): Promise<ScriptedCoordinator> {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(page);
      return;
    }
    if (options.token !== undefined && url.searchParams.get("token") !== options.token) {
      response.writeHead(401).end();
      return;
    }
    if (url.pathname === "/api/v1/run") response.end(JSON.stringify(coordinator.snapshot));
    else if (url.pathname === "/api/v1/history") response.end(JSON.stringify(coordinator.points));
    else if (url.pathname === "/api/v1/stream") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(":\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const coordinator: ScriptedCoordinator = {
    url: `http://127.0.0.1:${port}/${options.token === undefined ? "" : `?token=${options.token}`}`,
    port,
    snapshot,
    points,
    send(message) {
      const body =
        message.kind === "snapshot"
          ? message.snapshot
          : message.kind === "commit"
            ? message.point
            : message.event;
      for (const stream of streams) stream.write(`event: ${message.kind}\ndata: ${JSON.stringify(body)}\n\n`);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return coordinator;
}
