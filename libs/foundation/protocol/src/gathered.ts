import type { Clock } from "./clock.ts";

/** What is told now and then, several at once. */
export interface Gathered<Item> {
  add(item: Item): void;
  /** Tells what there is at once, for instance because nothing may be told later. */
  flush(): void;
}

/**
 * How often workers and shards report to the coordinator: as often as a person can follow, and from a large fleet not more
 * than a thousand reports a second.
 *
 * @param workers how many report
 */
export function reportEveryMs(workers: number): number {
  return Math.max(100, workers);
}

/** At most so many in one message; what is more does not wait. */
const mostItems = 64;

/**
 * Items are told at once while they are few and together while they are many: a message costs both sides far more than
 * what it says. None waits longer than `everyMs()`.
 */
export function createGathered<Item>(options: {
  readonly clock: Clock;
  readonly everyMs: () => number;
  /** Never called with nothing. */
  readonly tell: (items: Item[]) => void;
}): Gathered<Item> {
  const { clock, everyMs } = options;
  let items: Item[] = [];
  let toldMs = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | undefined;

  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    if (items.length === 0) return;
    const all = items;
    items = [];
    toldMs = clock.nowMs();
    options.tell(all);
  };

  return {
    add(item) {
      items.push(item);
      const waitMs = toldMs + everyMs() - clock.nowMs();
      if (waitMs <= 0 || items.length >= mostItems) flush();
      else cancel ??= clock.after(waitMs, flush);
    },
    flush,
  };
}
