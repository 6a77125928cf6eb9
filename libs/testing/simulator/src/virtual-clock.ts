import type { Clock } from "@latentweave/protocol";

/** Time that passes only from event to event. Events of the same moment run in the order in which they were set. */
export interface VirtualClock extends Clock {
  /** Runs events until `done` says so, none is left, or `limitMs` of virtual time has passed. */
  run(done: () => boolean, limitMs: number): Promise<"done" | "idle" | "limit">;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export function createVirtualClock(): VirtualClock {
  let nowMs = 0;
  let order = 0;
  const queue: Event[] = [];
  const before = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const push = (event: Event): void => {
    queue.push(event);
    let at = queue.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(queue[at] as Event, queue[parent] as Event)) break;
      swap(at, parent);
      at = parent;
    }
  };
  const swap = (a: number, b: number): void => {
    const kept = queue[a] as Event;
    queue[a] = queue[b] as Event;
    queue[b] = kept;
  };
  const pop = (): Event | undefined => {
    const first = queue[0];
    const last = queue.pop();
    if (first === undefined || last === undefined || queue.length === 0) return first;
    queue[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < queue.length && before(queue[left] as Event, queue[least] as Event)) least = left;
      if (right < queue.length && before(queue[right] as Event, queue[least] as Event)) least = right;
      if (least === at) return first;
      swap(at, least);
      at = least;
    }
  };
  return {
    nowMs: () => nowMs,
    after(delayMs, run) {
      let live = true;
      push({ atMs: nowMs + Math.max(0, delayMs), order: order++, run: () => live && run() });
      return () => {
        live = false;
      };
    },
    async run(done, limitMs) {
      await settled();
      while (!done()) {
        if ((queue[0]?.atMs ?? 0) > limitMs) return "limit";
        const next = pop();
        if (!next) return "idle";
        nowMs = next.atMs;
        next.run();
        await settled();
      }
      return "done";
    },
  };
}

/** Lets every promise that can go on do so: virtual time stands still meanwhile. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
