import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { listRuns } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";
import { describeRun, type RunDescription } from "../runs/describe-run.ts";
import { listPage } from "./list-page.ts";
import { type DiskRun, readDiskRun } from "./read-run.ts";

export interface ServeRunsOptions {
  readonly runsDirectory: string;
  /** 0: any free one. */
  readonly port: number;
  /** The live page's file; it finds the API beside itself. */
  readonly pageFile: string;
}

export interface ServedRuns {
  readonly url: string;
  close(): Promise<void>;
}

/** As often as a coordinator sends its own snapshots. */
const streamMs = 1_000;

/**
 * Serves the runs of a folder with the coordinator's API, read from disk: `/` lists them, `/runs/ID/` is a run's page,
 * `/runs/ID/api/v1/{run,history,stream}` its API. Loopback only, for this machine's browsers only, nothing is changed.
 * @throws UserError when the port cannot be had
 */
export async function serveRuns(options: ServeRunsOptions): Promise<ServedRuns> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      if (!response.headersSent)
        send(response, 500, "text/plain", error instanceof Error ? error.message : "failed");
      else response.destroy();
    });
  });
  await listen(server, options.port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? new UserError({
              what: error.code === "EADDRINUSE" ? `port ${port} is in use` : `port ${port} may not be used`,
              where: "--port",
              mend: "choose another one, or leave --port out to get any free one",
              cause: error,
            })
          : error,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function answer(
  { runsDirectory, pageFile }: ServeRunsOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A page of another site could otherwise reach this server under a name of its own.
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(request.headers.host ?? ""))
    return send(response, 403, "text/plain", "open this page as localhost or 127.0.0.1");
  if (request.method !== "GET" && request.method !== "HEAD")
    return send(response, 405, "text/plain", "runs on disk are only shown");
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (pathname === "/")
    return send(response, 200, "text/html", listPage(runsDirectory, await describeAll(runsDirectory)));
  if (pathname === "/api/v1/runs")
    return send(response, 200, "application/json", JSON.stringify(await describeAll(runsDirectory)));
  const [, name, rest] = /^\/runs\/([^/]+)\/(.*)$/.exec(pathname) ?? [];
  const runId = name === undefined ? undefined : decodeURIComponent(name);
  if (runId === undefined || !listRuns(runsDirectory).includes(runId))
    return send(response, 404, "text/plain", "there is nothing here; / lists the runs");
  const directory = path.join(runsDirectory, runId);
  switch (rest) {
    case "":
      return send(response, 200, "text/html", await readFile(pageFile));
    case "api/v1/run":
      return send(response, 200, "application/json", JSON.stringify((await readDiskRun(directory)).snapshot));
    case "api/v1/history":
      return send(response, 200, "application/json", JSON.stringify((await readDiskRun(directory)).history));
    case "api/v1/stream":
      return await stream(directory, response);
    default:
      return send(response, 404, "text/plain", "there is nothing here; / lists the runs");
  }
}

async function describeAll(runsDirectory: string): Promise<RunDescription[]> {
  const all: RunDescription[] = [];
  for (const name of listRuns(runsDirectory)) all.push(await describeRun(path.join(runsDirectory, name)));
  return all;
}

/** Snapshots, and the commits that came since the last one: a run that is still written can be watched too. */
async function stream(directory: string, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let sentStep = -1;
  const write = (kind: "snapshot" | "commit", value: unknown): void => {
    response.write(`event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`);
  };
  const sendNews = ({ snapshot, history }: DiskRun): void => {
    if (sentStep >= 0)
      for (const point of history.filter(({ step }) => step > sentStep)) write("commit", point);
    sentStep = history.at(-1)?.step ?? 0;
    write("snapshot", snapshot);
  };
  const first = await readDiskRun(directory);
  sendNews(first);
  const isOver = ["finished", "interrupted", "failed"].includes(first.snapshot.state);
  let isReading = false;
  const timer = setInterval(() => {
    // The page takes silence for a lost line.
    if (isOver) write("snapshot", first.snapshot);
    if (isOver || isReading) return;
    isReading = true;
    readDiskRun(directory)
      .then(sendNews, () => response.end())
      .finally(() => {
        isReading = false;
      });
  }, streamMs);
  response.on("close", () => clearInterval(timer));
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, {
    "content-type": type === "application/json" ? type : `${type}; charset=utf-8`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}
