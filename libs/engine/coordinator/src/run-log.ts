import type { RunStore } from "@latentweave/protocol";
import type { RunEvent, StreamMessage } from "@latentweave/telemetry";

const mostEvents = 200;

/** What a run says: its events, kept and stored, and everything that watchers are told live. */
export interface RunLog {
  readonly events: readonly RunEvent[];
  event(level: RunEvent["level"], text: string): void;
  tell(message: StreamMessage): void;
  subscribe(listener: (message: StreamMessage) => void): () => void;
}

export function createRunLog(store: Pick<RunStore, "appendMetric">, wallMs: () => number): RunLog {
  const events: RunEvent[] = [];
  const listeners = new Set<(message: StreamMessage) => void>();
  const tell = (message: StreamMessage): void => {
    for (const listener of listeners) listener(message);
  };
  return {
    events,
    tell,
    event(level, text) {
      const entry: RunEvent = { atMs: wallMs(), level, text };
      events.push(entry);
      if (events.length > mostEvents) events.shift();
      store.appendMetric("events", { ...entry });
      tell({ kind: "event", event: entry });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
