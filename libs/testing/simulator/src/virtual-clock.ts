import type { Clock } from "@latentweave/protocol";

/** Time that passes only from event to event. Events of the same moment run in the order in which they were set. */
export interface VirtualClock extends LabelledClock {
  /** Runs events until `done` says so, none is left, or `limitMs` of virtual time has passed. */
  run(done: () => boolean, limitMs: number): Promise<Stopped>;
}

/** What an event is, for whoever decides on the order of events. */
export interface Label {
  /**
   * `start`: of a process. `report`: what it tells is looked at by people, not by the engines. `goodbye`:
   * the run is over. Whatever has no label is a timer.
   */
  readonly kind: "message" | "report" | "goodbye" | "dial" | "compute" | "disk" | "start" | "timer";
  /** Whom it reaches. */
  readonly processes: readonly string[];
  /** Events of one way come in order; the name of a way is the same in every order of everything else. */
  readonly way: string;
  /** The process that it was meant for is not there any more. */
  readonly isVoid?: boolean;
  /** Who said it, and in which turn of the clock. */
  readonly from?: string;
  readonly saidIn?: number | undefined;
}

export interface LabelledClock extends Clock {
  after(delayMs: number, run: () => void, label?: () => Label): () => void;
  /** Somebody says something. @returns the number of what happens now, where somebody decides on the order of events */
  readonly said?: (from: string) => number;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cancelled. */
  run: (() => void) | undefined;
}

/** How promises get their turn between two events, and then `next` is called: virtual time stands still meanwhile. */
export type Settle = (next: () => void) => void;

/** Until everything that can go on has done so, calls into Node.js that answer at once included: slow. */
const untilIdle: Settle = (next) => void setImmediate(next);

/**
 * Until every promise that can go on has done so, exactly: Node.js empties the queue of promises before it takes the next
 * tick, and a tick that a promise's job asks for comes after all jobs, also those that come of them. For engines that wait
 * for nothing but promises and virtual time.
 */
export const untilPromisesRest: Settle = (next) =>
  void resolved.then(() => {
    process.nextTick(next);
  });

const resolved = Promise.resolve();

/** Why a clock stopped. */
export type Stopped = "done" | "idle" | "limit";

/** One event after the other, promises in between, until `advance` says why there is none. */
export function runEvents(advance: () => Stopped | undefined, settle: Settle): Promise<Stopped> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      try {
        const stopped = advance();
        if (stopped === undefined) settle(next);
        else resolve(stopped);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    settle(next);
  });
}

export function createVirtualClock(settle: Settle = untilIdle): VirtualClock {
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
    run: (done, limitMs) => runEvents(() => advance(done, limitMs), settle),
  };

  /** One event; or why there is none. */
  function advance(done: () => boolean, limitMs: number): Stopped | undefined {
    for (;;) {
      if (done()) return "done";
      if ((queue[0]?.atMs ?? 0) > limitMs) return "limit";
      const event = pop();
      if (!event) return "idle";
      if (!event.run) continue;
      nowMs = event.atMs;
      event.run();
      return undefined;
    }
  }
}
