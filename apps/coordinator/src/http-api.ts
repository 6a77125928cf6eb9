import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Coordinator } from "@latentweave/coordinator-engine";
import { preparedFilePath } from "@latentweave/datasets";
import type { StreamMessage } from "@latentweave/telemetry";
import { z } from "zod";

export interface HttpApiOptions {
  readonly coordinator: Coordinator;
  readonly joinFacts: Readonly<Record<string, unknown>>;
  readonly preparedRoot: string;
  /** Hashes of the run's data: nothing else is served. */
  readonly dataHashes: ReadonlySet<string>;
  /** The live page; undefined where it was switched off. */
  readonly dashboardFile: string | undefined;
}

/** The coordinator's HTTP side, version 1; docs/protocol.md, "HTTP". @returns false for paths it does not know. */
export function createHttpApi(options: HttpApiOptions) {
  const { coordinator } = options;
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const get = request.method === "GET" || request.method === "HEAD";
    if (get && pathname === "/api/v1/run") return json(response, coordinator.snapshot());
    if (get && pathname === "/api/v1/history") return json(response, coordinator.history());
    if (get && pathname === "/api/v1/join") return json(response, options.joinFacts);
    if (get && pathname === "/api/v1/stream") return stream(response, coordinator);
    if (request.method === "POST" && pathname === "/api/v1/stop") return stop(request, response, coordinator);
    if (get && pathname === "/" && options.dashboardFile !== undefined) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
      response.end(await readFile(options.dashboardFile));
      return true;
    }
    const data = /^\/data\/([0-9a-f]+)\/([^/]+)$/.exec(pathname);
    return get && data !== null && sendData(response, options, data[1] ?? "", data[2] ?? "");
  };
}

function json(response: ServerResponse, value: unknown): true {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
  return true;
}

/**
 * A commit waits so long for others: no eye follows more, and each message by itself would cost the coordinator and its
 * reader more than all else that a small step costs them. What is said in words is sent at once.
 */
const gatherMs = 50;
/** A page or a terminal reads as fast as it likes: what it has not taken yet is dropped but for the newest state. */
const mostUnsentBytes = 4 * 2 ** 20;

function stream(response: ServerResponse, coordinator: Coordinator): true {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let gathered = "";
  let gathering: NodeJS.Timeout | undefined;
  const sendGathered = (): void => {
    clearTimeout(gathering);
    gathering = undefined;
    if (gathered !== "") response.write(gathered);
    gathered = "";
  };
  const send = (message: StreamMessage): void => {
    if (response.writableLength > mostUnsentBytes) return;
    const body =
      message.kind === "snapshot"
        ? message.snapshot
        : message.kind === "commit"
          ? message.point
          : message.event;
    gathered += `event: ${message.kind}\ndata: ${JSON.stringify(body)}\n\n`;
    if (message.kind === "commit") gathering ??= setTimeout(sendGathered, gatherMs);
    else sendGathered();
  };
  send({ kind: "snapshot", snapshot: coordinator.snapshot() });
  const unsubscribe = coordinator.subscribe(send);
  // Worker rows and rates change between state changes; a second is as often as an eye follows a table.
  const timer = setInterval(() => send({ kind: "snapshot", snapshot: coordinator.snapshot() }), 1_000);
  response.on("close", () => {
    clearInterval(timer);
    clearTimeout(gathering);
    gathered = "";
    unsubscribe();
  });
  const end = (): void => {
    sendGathered();
    response.end();
  };
  coordinator.ended.then(end, end);
  return true;
}

const mostBodyBytes = 10_000;

/** `failed`: a launcher whose workers all gave up says so, and the run counts as failed. */
const stopRequestSchema = z.strictObject({
  reason: z.string().max(2_000).default("asked to stop"),
  failed: z.boolean().optional(),
});

function parseBody(body: string): unknown {
  try {
    return body === "" ? {} : JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function stop(
  request: IncomingMessage,
  response: ServerResponse,
  coordinator: Coordinator,
): Promise<true> {
  let body = "";
  for await (const part of request) {
    body += String(part);
    if (body.length > mostBodyBytes) break;
  }
  const asked = stopRequestSchema.safeParse(parseBody(body));
  if (!asked.success) {
    response.writeHead(400, { "content-type": "text/plain" });
    response.end(`expected {"reason": TEXT, "failed"?: true}: ${asked.error.issues[0]?.message ?? ""}\n`);
    return true;
  }
  if (asked.data.failed === true) coordinator.fail(asked.data.reason);
  else coordinator.stop(asked.data.reason);
  return json(response, coordinator.snapshot());
}

async function sendData(
  response: ServerResponse,
  options: HttpApiOptions,
  dataHash: string,
  file: string,
): Promise<boolean> {
  const found = options.dataHashes.has(dataHash)
    ? preparedFilePath(options.preparedRoot, dataHash, file)
    : undefined;
  const info = found === undefined ? undefined : await stat(found).catch(() => undefined);
  if (found === undefined || info === undefined) return false;
  // Content-addressed: what was fetched once never changes.
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": info.size,
    "cache-control": "public, max-age=31536000, immutable",
  });
  await pipeline(createReadStream(found), response).catch(() => response.destroy());
  return true;
}
