import { changesLoss } from "./happened-before.ts";
import { type Exploration, type Limits, mostViolations } from "./exploration.ts";
import { hashOf, hashWith } from "./hash.ts";
import { type Losses, type Option, runOnce, type Seen, type Size } from "./run.ts";

/** At step `at` this happens in place of what comes first; `holds`: the way that is held up instead. */
interface Departure {
  readonly at: number;
  readonly id: string;
  readonly holds?: string;
}

/**
 * Every order with at most so many departures from the default one, which takes what was caused first: what comes first
 * is held up until nothing else can happen; or something that waits for the same process is taken before it; or the
 * next timer goes off before it, as if it were slow. Losses, at any point, are no departures (Emmi, Qadeer, Rakamarić:
 * Delay-bounded scheduling, POPL 2011, with delays that last as long as they can).
 */
export async function exploreDepartures(
  size: Size,
  losses: Losses,
  departures: number,
  limits: Limits,
): Promise<Exploration> {
  const startMs = performance.now();
  const seen = new Map<number, (readonly [departures: number, losses: number])[]>();
  const ends = new Set<number>();
  const todo: (readonly Departure[])[] = [[]];
  const violations: Exploration["violations"][number][] = [];
  let [runs, events] = [0, 0];

  const isNew = (state: number, leftDepartures: number, leftLosses: number): boolean => {
    const known = seen.get(state);
    if (known?.some(([a, b]) => a >= leftDepartures && b >= leftLosses) === true) return false;
    seen.set(state, [...(known ?? []), [leftDepartures, leftLosses]]);
    return true;
  };

  while (todo.length > 0 && performance.now() - startMs < limits.limitMs) {
    const path = todo.pop() as readonly Departure[];
    const from = (path.at(-1)?.at ?? -1) + 1;
    const lostBefore = path.filter(({ id, holds }) => holds === undefined && id.startsWith("loses")).length;
    const left = departures - (path.length - lostBefore);
    const held = new Set<string>();
    let last: Option | undefined;
    const run = { isKnown: false };

    const choose = (at: number, options: readonly Option[], now: Seen): Option | undefined => {
      const [forced] = options;
      let able = options.filter(({ id, kind }) => kind !== "loss" && !held.has(id));
      if (able.length === 0) {
        held.clear();
        able = options.filter(({ kind }) => kind !== "loss");
      }
      const departure = path.find((one) => one.at === at);
      if (departure?.holds !== undefined) held.add(departure.holds);
      if (departure)
        return [...options, ...(now.timer ? [now.timer] : [])].find(({ id }) => id === departure.id);
      const [first] = able;
      if (at < from || !first) return first;
      const state = [...held].sort().reduce((hash, id) => hashWith(hash, hashOf(id)), now.state());
      if (!isNew(state, left, losses.most - lostBefore)) {
        run.isKnown = true;
        return undefined;
      }
      const go = (id: string, holds?: string): void =>
        void todo.push([...path, { at, id, ...(holds !== undefined && { holds }) }]);
      for (const { id } of options.filter(
        (one) => one.kind === "loss" && (!last || changesLoss(one, last, now.silent)),
      ))
        go(id);
      if (left > 0 && forced?.kind === "event") {
        const [, second] = able;
        if (second) go(second.id, first.id);
        for (const other of able) if (other !== first && (other.reaches & first.reaches) !== 0) go(other.id);
        if (now.timer) go(now.timer.id);
      }
      return first;
    };

    const result = await runOnce(
      size,
      losses,
      { choose: (at, options, now) => (last = choose(at, options, now)) },
      limits.bug?.(),
    );
    runs += 1;
    events += result.events;
    if (!run.isKnown) ends.add(result.state);
    const [violation] = result.violations;
    if (!violation) continue;
    violations.push({
      text: `${violation.invariant}: ${violation.text}`,
      steps: path.map(({ at, id, holds }) => `${at}: ${holds === undefined ? "" : `${holds} waits, `}${id}`),
    });
    if (limits.stopsAtFirst === true || violations.length >= mostViolations) break;
  }
  return { states: seen.size, runs, events, ends: ends.size, exhausted: todo.length === 0, violations };
}
