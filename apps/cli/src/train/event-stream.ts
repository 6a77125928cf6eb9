import type { StreamMessage } from "@latentweave/telemetry";

/** A coordinator's live stream (GET /api/v1/stream) as messages; ends when the coordinator ends it, or is gone. */
export async function* readStream(url: string, token: string | undefined): AsyncGenerator<StreamMessage> {
  const answer = await fetch(new URL("/api/v1/stream", url), {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  }).catch(() => undefined);
  if (!answer?.ok || answer.body === null) return;
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const part of answer.body) {
      text += decoder.decode(part as Uint8Array, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const message = parseEvent(text.slice(0, end));
        text = text.slice(end + 2);
        if (message) yield message;
      }
    }
  } catch {
    // The coordinator is gone; how the run ended is told by its process.
  }
}

function parseEvent(text: string): StreamMessage | undefined {
  const kind = /^event: (\w+)$/m.exec(text)?.[1];
  const data = /^data: (.*)$/m.exec(text)?.[1];
  if (data === undefined) return undefined;
  const value: unknown = JSON.parse(data);
  if (kind === "snapshot") return { kind, snapshot: value } as StreamMessage;
  if (kind === "commit") return { kind, point: value } as StreamMessage;
  return kind === "event" ? ({ kind, event: value } as StreamMessage) : undefined;
}
