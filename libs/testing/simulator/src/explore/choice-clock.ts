import {
  type Label,
  runEvents,
  type Stopped,
  untilPromisesRest,
  type VirtualClock,
} from "../virtual-clock.ts";

/** Something that has been set and may happen. */
export interface Waiting {
  /** In the order in which they were set. */
  readonly order: number;
  readonly atMs: number;
  /** The turn in which it was set. */
  readonly setIn: number;
  readonly label: (() => Label) | undefined;
}

/** What happens next: an event that waits, or something from outside. */
export type Next = Waiting | (() => void);

interface Event extends Waiting {
  run: (() => void) | undefined;
}

/**
 * A clock whose events happen in the order that `choose` wants, whatever delays they were set with. Time passes with
 * timers alone: what is on its way is faster than any of them.
 */
export function createChoiceClock(options: {
  /** Undefined: nothing more is wanted. */
  readonly choose: (waiting: readonly Waiting[], nowMs: number) => Next | undefined;
  readonly turn: () => number;
  readonly said: (from: string) => number;
}): VirtualClock {
  let nowMs = 0;
  let order = 0;
  let events: Event[] = [];

  const advance = (done: () => boolean, limitMs: number): Stopped | undefined => {
    if (done()) return "done";
    events = events.filter(({ run }) => run !== undefined);
    const next = options.choose(events, nowMs);
    if (next === undefined) return "idle";
    if (typeof next === "function") {
      next();
      return undefined;
    }
    const event = next as Event;
    const { run } = event;
    if (!run) return "idle";
    const label = event.label?.();
    event.run = undefined;
    // Nobody waits for what nobody is there to see.
    if (label === undefined || (label.kind === "timer" && label.isVoid !== true))
      nowMs = Math.max(nowMs, event.atMs);
    if (nowMs > limitMs) return "limit";
    run();
    return undefined;
  };

  return {
    nowMs: () => nowMs,
    said: options.said,
    after(delayMs, run, label) {
      const atMs = nowMs + Math.max(0, delayMs);
      const event: Event = { order: order++, atMs, setIn: options.turn(), label, run };
      events.push(event);
      return () => {
        event.run = undefined;
      };
    },
    run: (done, limitMs) => runEvents(() => advance(done, limitMs), untilPromisesRest),
  };
}
