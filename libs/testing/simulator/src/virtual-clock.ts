import type { Clock } from "@latentweave/protocol";

/** Time that passes only from event to event. Events of the same moment run in the order in which they were set. */
export interface VirtualClock extends Clock {
  /** Runs events until `done` says so, none is left, or `limitMs` of virtual time has passed. */
  run(done: () => boolean, limitMs: number): Promise<"done" | "idle" | "limit">;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cancelled. */
  run: (() => void) | undefined;
}

/** How promises get their turn between two events: virtual time stands still meanwhile. */
export type Settle = () => Promise<void>;

/** Until every promise that can go on has done so: exact, and slow. */
const untilIdle: Settle = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A fixed number of turns: a chain of awaits that is longer goes on after the next event, in every replay alike. The
 * longest chain of the engines without an event in it (a micro-batch from its rows to its pushes) takes about a dozen.
 */
export async function fixedTurns(): Promise<void> {
  for (let turn = 0; turn < settlingTurns; turn++) await Promise.resolve();
}

const settlingTurns = 24;

export function createVirtualClock(settled: Settle = untilIdle): VirtualClock {
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
      const event: Event = { atMs: nowMs + Math.max(0, delayMs), order: order++, run };
      push(event);
      return () => {
        event.run = undefined;
      };
    },
    async run(done, limitMs) {
      await settled();
      while (!done()) {
        if ((queue[0]?.atMs ?? 0) > limitMs) return "limit";
        const next = pop();
        if (!next) return "idle";
        if (!next.run) continue;
        nowMs = next.atMs;
        next.run();
        await settled();
      }
      return "done";
    },
  };
}
