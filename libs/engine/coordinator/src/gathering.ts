import type { Clock } from "@latentweave/protocol";

/**
 * Takes changes that come faster than they can be acted upon: the first is acted upon at once, and whatever follows
 * within the rest after it together, when the rest is over.
 */
export interface Gathering {
  changed(why: string): void;
  /** Nothing is acted upon any more. */
  close(): void;
}

/** @param restMs after each act; 0: none */
export function createGathering(clock: Clock, restMs: () => number, act: (why: string) => void): Gathering {
  const waiting: string[] = [];
  let closed = false;
  let cancel: (() => void) | undefined;

  const actNow = (why: string): void => {
    act(why);
    const ms = restMs();
    if (ms > 0 && !closed) cancel = clock.after(ms, rested);
  };
  const rested = (): void => {
    cancel = undefined;
    const [first, ...others] = waiting.splice(0);
    if (first !== undefined)
      actNow(others.length === 0 ? first : `${first}, and ${others.length} more changes`);
  };

  return {
    changed(why) {
      if (closed) return;
      if (cancel) waiting.push(why);
      else actNow(why);
    },
    close() {
      closed = true;
      cancel?.();
    },
  };
}
