import type { Fault, Schedule } from "../schedule/schedule.ts";
import { simulate } from "../simulate.ts";

/** Small enough that every event of a run can be the one at which somebody is lost. */
const bounds = { job: "bare", steps: 2, workers: 2, shards: 2, codec: false } as const;
const processes = ["coordinator", "shard-0", "shard-1", "worker-0", "worker-1"];
const losses = ["kill", "power-cut"] as const;
const downMs = 20;

/** Every loss of every process, at every event of the run with these delays. */
function* crashesOf(schedule: Schedule, events: number): Generator<Schedule> {
  for (let atEvent = 1; atEvent <= events; atEvent++)
    for (const who of processes)
      for (const what of losses) {
        const fault: Fault = { what, when: { atEvent }, who, downMs };
        yield { ...schedule, faults: [fault] };
      }
}

/**
 * Runs two steps of two workers and two shards with one loss of each process at each event, for one order of messages
 * (a seed's delays) after the other, as long as there is time.
 *
 * @returns how many runs broke an invariant
 */
export async function explore(limitMs: number, log: (line: string) => void): Promise<number> {
  const startMs = performance.now();
  const isOver = (): boolean => performance.now() - startMs > limitMs;
  const seen = new Set<string>();
  const orders = new Set<string>();
  let [runs, events, whole, broken] = [0, 0, 0, 0];
  for (let seed = 1; !isOver(); seed++) {
    const schedule: Schedule = { ...bounds, seed, faults: [] };
    const calm = await simulate(schedule);
    if (orders.has(calm.trace)) continue;
    orders.add(calm.trace);
    let isWhole = true;
    for (const crash of crashesOf(schedule, calm.events)) {
      if (isOver()) {
        isWhole = false;
        break;
      }
      const result = await simulate(crash);
      runs += 1;
      events += result.events;
      seen.add(result.trace);
      const [violation] = result.violations;
      if (!violation) continue;
      broken += 1;
      log(`${violation.invariant}: ${violation.text}\n${JSON.stringify(crash)}`);
    }
    if (isWhole) whole += 1;
  }
  log(
    `bounds: ${bounds.shards} shards, ${bounds.workers} workers, ${bounds.steps} steps; one loss (killed, or with its host) of each of ${processes.length} processes at each event, in ${whole} orders of messages (and a part of one more)`,
  );
  log(`${runs} runs, ${events} events, ${seen.size} different histories; ${broken} broke an invariant`);
  return broken;
}
