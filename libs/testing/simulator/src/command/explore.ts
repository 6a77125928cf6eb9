import { exploreDepartures } from "../explore/departures.ts";
import type { Exploration, Limits } from "../explore/exploration.ts";
import { exploreOrders } from "../explore/orders.ts";
import type { Losses, Size } from "../explore/run.ts";

/** What one row explores: all orders, or those with so many departures from the default one. */
interface Row extends Size {
  /** Names of processes that may be lost begin so; "": any. */
  readonly lost: string;
  /** How many are lost in one run, at most. */
  readonly losses: number;
  /** Undefined: every order. */
  readonly departures?: number;
}

const row = (shards: number, workers: number, steps: number, rest: Omit<Row, keyof Size>): Row => ({
  ...{ shards, workers, steps },
  ...rest,
});
const calm = { lost: "", losses: 0 };
const one = { lost: "", losses: 1 };

/** From what is exhausted in a second to what takes hours: what one leaves of its time goes to those after it. */
const rows: readonly Row[] = [
  row(1, 1, 2, calm),
  row(1, 2, 1, calm),
  row(1, 2, 2, calm),
  row(2, 1, 1, calm),
  row(2, 2, 2, { ...calm, departures: 1 }),
  row(1, 1, 1, { ...one, departures: 0 }),
  row(2, 2, 2, { ...one, departures: 0 }),
  row(1, 1, 1, { lost: "coordinator", losses: 1 }),
  row(2, 2, 2, { ...calm, departures: 2 }),
  row(1, 1, 1, { ...one, departures: 1 }),
  row(2, 2, 2, { ...one, departures: 1 }),
  row(2, 2, 2, { lost: "", losses: 2, departures: 0 }),
  row(1, 1, 1, { lost: "worker", losses: 1 }),
  row(1, 1, 1, { lost: "shard", losses: 1 }),
  row(2, 2, 2, { lost: "", losses: 5, departures: 0 }),
  row(2, 2, 1, calm),
  row(2, 2, 2, calm),
];

/** How the rows before it share the time with the last ones: each takes at most this part of what is left. */
const mostPart = 0.5;

/**
 * Explores one row after the other, as long as there is time.
 *
 * @returns how many runs broke an invariant
 */
export async function explore(limitMs: number, log: (line: string) => void): Promise<number> {
  const startMs = performance.now();
  let [states, runs, events, broken, exhausted] = [0, 0, 0, 0, 0];
  for (const [place, bounds] of rows.entries()) {
    const leftMs = limitMs - (performance.now() - startMs);
    const part = Math.max(mostPart, 1 / (rows.length - place));
    const rowMs = performance.now();
    const found = await exploreRow(bounds, { limitMs: Math.max(0, leftMs * part) });
    const seconds = ((performance.now() - rowMs) / 1_000).toFixed(1);
    states += found.states;
    runs += found.runs;
    events += found.events;
    broken += found.violations.length;
    exhausted += found.exhausted ? 1 : 0;
    log(
      `${boundsText(bounds)}: ${found.states} states, ${found.runs} runs, ${found.events} events, ${found.ends} different ends; ${found.exhausted ? `exhausted in ${seconds} s` : `cut by time after ${seconds} s`}; ${found.violations.length} violations`,
    );
    for (const { text, steps } of found.violations) log(`  ${text}\n    ${steps.join("\n    ")}`);
  }
  log(
    `2 shards, 2 workers, 2 steps and less: ${states} states, ${runs} runs, ${events} events; ${exhausted} of ${rows.length} bounds exhausted; ${broken === 0 ? "all invariants held" : `${broken} runs broke an invariant`}`,
  );
  return broken;
}

function exploreRow({ lost, losses: most, departures, ...size }: Row, limits: Limits): Promise<Exploration> {
  const losses: Losses = { most, of: (name) => name.startsWith(lost) };
  return departures === undefined
    ? exploreOrders(size, losses, limits)
    : exploreDepartures(size, losses, departures, limits);
}

function boundsText({ shards, workers, steps, lost, losses, departures }: Row): string {
  const who = lost === "" ? "any process" : lost === "coordinator" ? "the coordinator" : `any ${lost}`;
  return [
    [counted(shards, "shard"), counted(workers, "worker"), counted(steps, "step")].join(", "),
    losses === 0
      ? "nobody lost"
      : losses === 1
        ? `${who} lost once`
        : `up to ${losses} processes lost, each once`,
    departures === undefined ? "every order" : `orders with up to ${counted(departures, "departure")}`,
  ].join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
