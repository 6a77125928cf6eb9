import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gate } from "./gate.ts";

/** @returns true when the request was (or will be) answered, false when nobody knows the path. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** Passes an admitted request to the handler and answers in its place where it cannot. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  gate: Gate,
  handler: HttpHandler | undefined,
  log: (line: string) => void,
): Promise<void> {
  // A client that goes away in the middle of its answer is no event.
  response.on("error", () => response.destroy());
  const entry = gate.enter(request, request.socket);
  if (entry.kind === "refused") return answer(response, entry.status, entry.reason);
  if (entry.setCookie !== undefined) response.setHeader("set-cookie", entry.setCookie);
  try {
    if (handler !== undefined && (await handler(request, response))) return;
    answer(response, 404, "nothing here");
  } catch (error) {
    log(
      `${request.method} ${entry.path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    if (response.headersSent) response.destroy();
    else answer(response, 500, "the server failed to answer; its log says why");
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
