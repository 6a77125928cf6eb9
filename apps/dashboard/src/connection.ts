import type { CommitPoint, RunEvent, RunSnapshot, StreamMessage } from "@latentweave/telemetry";
import type { Link } from "./model.ts";

/**
 * The page's line to the coordinator. Opens the stream first and then fetches run and history, so that no commit falls
 * between them; starts again by itself when anything fails.
 */
export interface Handlers {
  onLink(link: Link): void;
  onLoaded(snapshot: RunSnapshot, points: readonly CommitPoint[]): void;
  onMessage(message: StreamMessage): void;
}

/** The stream brings a snapshot every second; after three without one, a plain request tells a quiet line from a dead one. */
const silenceMs = 3_000;
const firstRetryMs = 500;
const lastRetryMs = 8_000;

/** Doubling from half a second to eight: quick after a restart, and no load on a machine that is busy starting. */
export function retryDelayMs(attempt: number): number {
  return Math.min(lastRetryMs, firstRetryMs * 2 ** attempt);
}

export function connect(base: URL, handlers: Handlers): void {
  const token = base.searchParams.get("token");
  const address = (path: string): string => {
    const url = new URL(path, base);
    if (token !== null) url.searchParams.set("token", token);
    return url.href;
  };
  let attempt = 0;

  const open = (): void => {
    const stream = new EventSource(address("api/v1/stream"));
    const early: StreamMessage[] = [];
    let ready = false;
    let over = false;
    let silent = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const fail = (link: Link, delayMs: number): void => {
      if (over) return;
      over = true;
      stream.close();
      clearTimeout(timer);
      handlers.onLink(link);
      attempt += 1;
      setTimeout(open, delayMs);
    };
    const lose = (error: unknown): void => {
      const delayMs = retryDelayMs(attempt);
      if (error instanceof Refused) fail({ kind: "refused", reason: error.message }, lastRetryMs);
      else fail({ kind: "lost", retryInMs: delayMs }, delayMs);
    };
    const listen = (): void => {
      const wasSilent = silent;
      silent = true;
      if (!wasSilent) {
        timer = setTimeout(listen, silenceMs);
        return;
      }
      fetchRun(address).then((snapshot) => {
        if (over) return;
        handlers.onMessage({ kind: "snapshot", snapshot });
        timer = setTimeout(listen, silenceMs);
      }, lose);
    };

    for (const kind of ["snapshot", "commit", "event"] as const)
      stream.addEventListener(kind, (event) => {
        const message = messageOf(kind, event.data);
        silent = false;
        if (ready) handlers.onMessage(message);
        else early.push(message);
      });
    stream.addEventListener("error", () => {
      // The stream does not say why; the plain request does.
      fetchRun(address).then((snapshot) => {
        if (!over) handlers.onMessage({ kind: "snapshot", snapshot });
        lose(undefined);
      }, lose);
    });
    stream.addEventListener("open", () => {
      Promise.all([fetchRun(address), fetchJson<readonly CommitPoint[]>(address("api/v1/history"))]).then(
        ([snapshot, points]) => {
          if (over) return;
          attempt = 0;
          ready = true;
          handlers.onLoaded(snapshot, points);
          handlers.onLink({ kind: "live" });
          // A snapshot that waited is older than the one just fetched, and so are the events in it.
          for (const message of early) if (message.kind === "commit") handlers.onMessage(message);
          listen();
        },
        lose,
      );
    });
  };
  open();
}

/** The coordinator answered, and it will answer the same again. */
class Refused extends Error {
  override readonly name = "Refused";
}

async function fetchRun(address: (path: string) => string): Promise<RunSnapshot> {
  const snapshot = await fetchJson<RunSnapshot>(address("api/v1/run"));
  const { apiVersion }: { readonly apiVersion: number } = snapshot;
  if (apiVersion !== 1) throw new Refused("This page is older than the coordinator it talks to. Reload it.");
  return snapshot;
}

/** The types are those of the coordinator that served this page: one build, so they are not checked field by field. */
async function fetchJson<Body>(url: string): Promise<Body> {
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (response.status === 401 || response.status === 403)
    throw new Refused("The token is missing or wrong. Open the address that “latentweave train” printed.");
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Body;
}

/** An event's name is the message's kind, its data what that kind carries. */
function messageOf(kind: StreamMessage["kind"], data: unknown): StreamMessage {
  const body: unknown = JSON.parse(String(data));
  switch (kind) {
    case "snapshot":
      return { kind, snapshot: body as RunSnapshot };
    case "commit":
      return { kind, point: body as CommitPoint };
    case "event":
      return { kind, event: body as RunEvent };
  }
}
