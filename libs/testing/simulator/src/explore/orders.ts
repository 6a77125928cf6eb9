import { type Exploration, type Limits, mostViolations } from "./exploration.ts";
import { changesLoss, createHappenedBefore, depends, type Happening } from "./happened-before.ts";
import { type Losses, type Option, runOnce, type Size } from "./run.ts";

/** A point of the run that is being tried, and what is to be tried there. */
interface Point {
  chosen: Option;
  /** What leads to nothing new from here: it was tried before, and nothing that it depends on has happened since. */
  readonly asleep: Map<string, Option>;
  readonly events: readonly Option[];
  /** Of events, those that are to be tried and were not. */
  readonly wanted: Set<string>;
  readonly tried: Option[];
  /** Losses that are still to be tried. */
  readonly losses: Option[];
  readonly triedLosses: Option[];
}

/**
 * Every order of events that some process can tell from the others, with processes lost at any
 * point: dynamic partial-order reduction with source sets and sleep sets, by running again from the beginning
 * (Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction, POPL 2014). docs/commit.md says why it
 * loses nothing.
 */
export async function exploreOrders(size: Size, losses: Losses, limits: Limits): Promise<Exploration> {
  const startMs = performance.now();
  const points: Point[] = [];
  const order = createHappenedBefore();
  const states = new Set<number>();
  const ends = new Set<number>();
  const violations: Exploration["violations"][number][] = [];
  let [runs, events] = [0, 0];
  let exhausted = false;

  const begin = (options: readonly Option[], silent: number): Point | undefined => {
    const before = points.at(-1);
    const asleep = new Map<string, Option>();
    if (before)
      for (const option of sleepers(before))
        if (
          option.kind === "loss"
            ? !changesLoss(option, before.chosen, silent)
            : !depends(option, before.chosen)
        )
          asleep.set(option.id, option);
    const able = options.filter(({ kind }) => kind !== "loss");
    const chosen = able.find(({ id }) => !asleep.has(id));
    if (!chosen) return undefined;
    return {
      ...{ chosen, asleep, events: able, wanted: new Set(), tried: [], triedLosses: [] },
      losses: options.filter(({ kind, id }) => kind === "loss" && !asleep.has(id)),
    };
  };

  for (;;) {
    if (performance.now() - startMs > limits.limitMs) break;
    const old = points.length;
    const run = { isKnown: false };
    const result = await runOnce(
      size,
      losses,
      {
        choose(at, options, { state, silent }) {
          const point = points[at];
          if (point) {
            const again = options.find(({ id }) => id === point.chosen.id);
            if (!again) throw new Error(`step ${at} cannot be repeated: ${point.chosen.id}`);
            if (at === old - 1) order.push(at, again);
            return again;
          }
          states.add(state());
          const next = begin(options, silent);
          if (!next) {
            run.isKnown = true;
            return undefined;
          }
          points.push(next);
          order.push(at, next.chosen);
          return next.chosen;
        },
        missed(at, option) {
          if (at < old - 1) return;
          order.lookAt(option, (later) => {
            for (const earlier of (order.happenings[later] as Happening).directly) reverse(earlier, later);
          });
        },
      },
      limits.bug?.(),
    );
    runs += 1;
    events += result.events;
    if (!run.isKnown) ends.add(result.state);
    const [violation] = result.violations;
    if (violation) {
      const steps = points.map(({ chosen }) => chosen.id);
      violations.push({ text: `${violation.invariant}: ${violation.text}`, steps });
      if (limits.stopsAtFirst === true || violations.length >= mostViolations) break;
    }
    for (let later = 0; later < order.happenings.length; later++) {
      const { first, directly } = order.happenings[later] as Happening;
      if (first >= old - 1) for (const earlier of directly) reverse(earlier, later);
    }
    if (!nextPath()) {
      exhausted = true;
      break;
    }
  }
  return { states: states.size, runs, events, ends: ends.size, exhausted, violations };

  /** Two that follow each other only because they reach the same process: the other order is wanted as well. */
  function reverse(earlier: number, later: number): void {
    const a = order.happenings[earlier] as Happening;
    const b = order.happenings[later] as Happening;
    // Losses are tried at every point, and timers go off when nothing else can happen.
    if (b.option.kind !== "event" || a.option.kind === "timer" || a.option.kind === "disk") return;
    if (b.causes.includes(earlier)) return;
    const point = points[a.first] as Point;
    const between: number[] = [];
    for (let one = earlier + 1; one < later; one++) if (!order.follows(one, earlier)) between.push(one);
    between.push(later);
    const firsts = between.filter(
      (one) => !between.some((other) => other < one && order.follows(one, other)),
    );
    const ids = firsts.map((one) => (order.happenings[one] as Happening).option);
    const isKnown = ids.some(
      ({ id, kind }) =>
        kind === "loss" ||
        id === point.chosen.id ||
        point.wanted.has(id) ||
        point.asleep.has(id) ||
        point.tried.some((one) => one.id === id),
    );
    if (isKnown) return;
    const { id } = ids.at(-1) as Option;
    if (!point.events.some((one) => one.id === id))
      throw new Error(`${id} cannot happen where it could have`);
    point.wanted.add(id);
  }

  /** Takes back what has been tried to its end. @returns false: that was everything */
  function nextPath(): boolean {
    for (let point = points.at(-1); point; points.pop(), point = points.at(-1)) {
      order.cutAt(points.length - 1);
      if (point.chosen.kind === "loss") point.triedLosses.push(point.chosen);
      else point.tried.push(point.chosen);
      const next =
        point.events.find(({ id }) => point.wanted.delete(id) && !point.asleep.has(id)) ??
        point.losses.shift();
      if (next) {
        point.chosen = next;
        return true;
      }
    }
    return false;
  }
}

/** What need not be tried after what was chosen at a point, as long as nothing happens that it depends on. */
function sleepers({ asleep, chosen, tried, losses, triedLosses }: Point): Option[] {
  // Losses come first of all: those that are not tried yet count as tried.
  return chosen.kind === "loss"
    ? [...asleep.values(), ...triedLosses]
    : [...asleep.values(), ...triedLosses, ...losses, ...tried];
}
