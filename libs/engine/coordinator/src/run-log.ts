import type { RunStore } from "@latentweave/protocol";
import type { RunEvent, StreamMessage } from "@latentweave/telemetry";

const mostEvents = 200;
/** The same warning again within this time is counted, not told: a peer that fails in a loop must not drown the rest. */
const repeatMs = 10_000;

/** What a run says: its events, kept and stored, and everything that watchers are told live. */
export interface RunLog {
  readonly events: readonly RunEvent[];
  event(level: RunEvent["level"], text: string): void;
  tell(message: StreamMessage): void;
  subscribe(listener: (message: StreamMessage) => void): () => void;
}

export function createRunLog(options: {
  readonly store: Pick<RunStore, "appendMetric">;
  readonly wallMs: () => number;
  /** The store cannot keep events: told once. */
  readonly onFailed: (error: unknown) => void;
}): RunLog {
  const { store, wallMs } = options;
  const events: RunEvent[] = [];
  const listeners = new Set<(message: StreamMessage) => void>();
  const told = new Map<string, { readonly atMs: number; unsaid: number }>();
  let storeFailed = false;

  const keep = (entry: RunEvent): void => {
    if (storeFailed) return;
    try {
      store.appendMetric("events", { ...entry });
    } catch (error) {
      // The end of the run is itself an event: its failure must not keep the run from ending.
      storeFailed = true;
      options.onFailed(error);
    }
  };

  /** How often the same was left unsaid since it was last told; undefined when it is to be left unsaid again. */
  const unsaidBefore = (text: string, nowMs: number): number | undefined => {
    const before = told.get(text);
    if (before && nowMs - before.atMs < repeatMs) {
      before.unsaid += 1;
      return undefined;
    }
    told.delete(text);
    told.set(text, { atMs: nowMs, unsaid: 0 });
    const [oldest] = told.keys();
    if (told.size > mostEvents && oldest !== undefined) told.delete(oldest);
    return before?.unsaid ?? 0;
  };

  const tell = (message: StreamMessage): void => {
    for (const listener of listeners) listener(message);
  };
  return {
    events,
    tell,
    event(level, text) {
      const atMs = wallMs();
      const unsaid = level === "info" ? 0 : unsaidBefore(text, atMs);
      if (unsaid === undefined) return;
      const again = unsaid === 0 ? "" : ` (and ${unsaid} times since it was last said)`;
      const entry: RunEvent = { atMs, level, text: `${text}${again}` };
      events.push(entry);
      if (events.length > mostEvents) events.shift();
      keep(entry);
      tell({ kind: "event", event: entry });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
