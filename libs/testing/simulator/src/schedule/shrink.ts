import type { Fault, Schedule } from "./schedule.ts";

/** Whether a schedule still fails, in the same way as the one that is being shrunk. */
export type Fails = (schedule: Schedule) => Promise<boolean>;

/** Runs that shrinking may take: a schedule that fails is wanted soon, not smallest. */
const mostRuns = 200;

/** The shortest schedule that was found to fail as this one does: first fewer faults, then a smaller cluster. */
export async function shrink(schedule: Schedule, fails: Fails): Promise<Schedule> {
  let runs = 0;
  let best = schedule;
  const attempt = async (next: Schedule): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs += 1;
    if (!(await fails(next))) return false;
    best = next;
    return true;
  };
  await dropFaults(() => best, attempt);
  await attempt({ ...best, codec: false });
  await attempt({ ...best, compression: undefined });
  await attempt({ ...best, offers: undefined });
  for (const workers of below(best.workers)) if (await attempt({ ...best, workers })) break;
  for (const shards of below(best.shards)) if (await attempt({ ...best, shards })) break;
  for (const steps of [4, 6, 9, 14, 20, 30])
    if (steps < best.steps && (await attempt({ ...best, steps }))) break;
  await dropFaults(() => best, attempt);
  for (const place of best.faults.keys())
    for (const simpler of simplerThan(best.faults[place] as Fault))
      await attempt({ ...best, faults: best.faults.map((fault, at) => (at === place ? simpler : fault)) });
  return best;
}

/** Halves, quarters, ..., single ones are left out as long as it goes on failing. */
async function dropFaults(
  best: () => Schedule,
  attempt: (next: Schedule) => Promise<boolean>,
): Promise<void> {
  for (
    let size = Math.ceil(best().faults.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best().faults.length;) {
      const schedule = best();
      const faults = schedule.faults.filter((_, place) => place < at || place >= at + size);
      if (!(await attempt({ ...schedule, faults }))) at += size;
    }
  }
}

/** Round numbers instead of drawn ones. */
function simplerThan(fault: Fault): Fault[] {
  const round = (value: number): number => (value < 1 ? 1 : Number(value.toPrecision(1)));
  return (["downMs", "forMs"] as const).flatMap((name) => {
    const value = (fault as Partial<Record<typeof name, number>>)[name];
    return value === undefined || value === round(value) ? [] : [{ ...fault, [name]: round(value) }];
  });
}

function below(count: number): number[] {
  return Array.from({ length: count - 1 }, (_, place) => place + 1);
}
