import { type Key, permute, randomKey } from "@latentweave/arithmetic";
import { TooFewRows, type RowRef, type Unit } from "./row-ref.ts";

/**
 * The order in which a task's slots see its training rows, by random access: nothing is stored between calls but
 * caches, so a restarted or another worker goes on anywhere.
 *
 * Invariants:
 * 1. In every epoch each row belongs to exactly one slot, and the slot yields it exactly once.
 * 2. A slot's rows of an epoch are one range of the epoch's permuted units: slot k of S has the positions
 *    floor(k*N/S) .. floor((k+1)*N/S) of the N rows. So the number of rows of a slot is the same in every epoch, and
 *    position -> epoch is one division. A unit cut by the border of two slots is read by both.
 * 3. A slot's stream runs on over the end of its epoch: positions count samples since step 0.
 */
export interface SlotOrder {
  /** Rows that `slot` sees in every epoch. */
  rowsPerEpoch(slot: number): number;
  /** The rows at positions [position, position + count) of the slot's stream. */
  refs(slot: number, position: number, count: number): RowRef[];
  /** Shards that hold those rows, in the order of need, and whatever else the windows they lie in cover: for prefetching. */
  shardsFor(slot: number, fromPosition: number, count: number): number[];
  /** The epoch (from 0) that a position of the slot's stream lies in. */
  epochOf(slot: number, position: number): number;
}

export interface SlotOrderOptions {
  readonly seed: number;
  /** The task's name: two tasks with the same data see it in different orders. */
  readonly task: string;
  readonly units: readonly Unit[];
  readonly slots: number;
  /** Rows of a slot are shuffled within windows of this many: bounds what a worker must hold. Default 4096. */
  readonly windowRows?: number;
  /** False: units and rows stay in the order of the shards. Default true. */
  readonly shuffle?: boolean;
}

/** The epoch's units in permuted order; `ends[i]` is the position just after unit i. */
interface EpochUnits {
  readonly units: readonly Unit[];
  readonly ends: Float64Array;
}

const defaultWindowRows = 4096;

/** A worker walks at most the slots of a step, which are at most one epoch apart, and prefetches the next. */
const leastKeptEpochs = 4;
/** Where a few steps are more than four epochs, a unit is little: so many units are kept, of as many epochs as have them. */
const mostKeptUnits = 1024;

/** @throws TooFewRows when there are fewer rows than slots; RangeError for slots or windows that are not positive integers. */
export function createSlotOrder(options: SlotOrderOptions): SlotOrder {
  const { seed, task, units, slots, windowRows = defaultWindowRows, shuffle = true } = options;
  requirePositive("slots", slots);
  requirePositive("windowRows", windowRows);
  const total = units.reduce((sum, unit) => sum + unit.rows, 0);
  if (total < slots) throw new TooFewRows(total, slots);

  const firstOf = (slot: number): number => Math.floor((slot * total) / slots);
  const rowsPerEpoch = (slot: number): number => {
    if (!Number.isInteger(slot) || slot < 0 || slot >= slots)
      throw new RangeError(`slot ${slot} of ${slots}`);
    return firstOf(slot + 1) - firstOf(slot);
  };

  const keptEpochs = Math.max(leastKeptEpochs, Math.floor(mostKeptUnits / units.length));
  const cache = new Map<number, EpochUnits>();
  const epochUnits = (epoch: number): EpochUnits => {
    let found = cache.get(epoch);
    if (!found) {
      found = orderUnits(units, shuffle ? { seed, task, epoch } : undefined);
      if (cache.size >= keptEpochs) cache.delete(cache.keys().next().value as number);
      cache.set(epoch, found);
    }
    return found;
  };

  /** A slot reads one window for many steps. */
  const windowKeys = new Map<
    number,
    { readonly epoch: number; readonly window: number; readonly key: Key }
  >();
  const windowKey = (epoch: number, slot: number, window: number): Key => {
    let known = windowKeys.get(slot);
    if (known?.epoch !== epoch || known.window !== window) {
      known = { epoch, window, key: randomKey(seed, "data", task, "window", epoch, slot, window) };
      windowKeys.set(slot, known);
    }
    return known.key;
  };

  /** Calls `visit` for each window that [position, position + count) touches, with the range of places in the window. */
  function eachWindow(slot: number, position: number, count: number, visit: (window: Window) => void): void {
    requireCount("position", position);
    requireCount("count", count);
    const perEpoch = rowsPerEpoch(slot);
    const end = position + count;
    for (let at = position; at < end;) {
      const epoch = Math.floor(at / perEpoch);
      const local = at - epoch * perEpoch;
      const window = Math.floor(local / windowRows);
      const start = window * windowRows;
      const size = Math.min(windowRows, perEpoch - start);
      const from = local - start;
      const to = Math.min(size, from + (end - at));
      visit({ epoch, window, first: firstOf(slot) + start, size, from, to });
      at += to - from;
    }
  }

  return {
    rowsPerEpoch,
    refs(slot, position, count) {
      const refs: RowRef[] = [];
      eachWindow(slot, position, count, ({ epoch, window, first, size, from, to }) => {
        const dealt = epochUnits(epoch);
        const key = shuffle ? windowKey(epoch, slot, window) : undefined;
        for (let place = from; place < to; place++) {
          const offset = key === undefined ? place : permute(place, size, key);
          refs.push(rowAt(dealt, first + offset));
        }
      });
      return refs;
    },
    shardsFor(slot, fromPosition, count) {
      const shards = new Set<number>();
      eachWindow(slot, fromPosition, count, ({ epoch, first, size }) => {
        const dealt = epochUnits(epoch);
        const last = unitAt(dealt, first + size - 1);
        for (let index = unitAt(dealt, first); index <= last; index++)
          shards.add((dealt.units[index] as Unit).shard);
      });
      return [...shards];
    },
    epochOf: (slot, position) => Math.floor(position / rowsPerEpoch(slot)),
  };
}

interface Window {
  readonly epoch: number;
  readonly window: number;
  /** Position of the window's first row among all rows of the epoch. */
  readonly first: number;
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

function orderUnits(
  units: readonly Unit[],
  random: { seed: number; task: string; epoch: number } | undefined,
): EpochUnits {
  const key = random && randomKey(random.seed, "data", random.task, "units", random.epoch);
  const ordered = units.map((unit, index) =>
    key ? (units[permute(index, units.length, key)] as Unit) : unit,
  );
  const ends = new Float64Array(ordered.length);
  let end = 0;
  ordered.forEach((unit, index) => {
    end += unit.rows;
    ends[index] = end;
  });
  return { units: ordered, ends };
}

/** Index of the unit that holds a position: the first whose end lies beyond it. */
function unitAt({ ends }: EpochUnits, position: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function rowAt(dealt: EpochUnits, position: number): RowRef {
  const index = unitAt(dealt, position);
  const unit = dealt.units[index] as Unit;
  const begin = (dealt.ends[index] as number) - unit.rows;
  return { shard: unit.shard, row: unit.start + (position - begin) };
}

function requirePositive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${name} must be a positive integer, not ${value}`);
}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} must be a whole number, not ${value}`);
}
