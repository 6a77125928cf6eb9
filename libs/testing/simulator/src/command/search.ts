import type { PlantedBug } from "../planted/planted-bug.ts";
import { scheduleOf } from "../schedule/generate.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { shrink } from "../schedule/shrink.ts";
import { simulate, type SimulationResult } from "../simulate.ts";

/** What a row of seeds came to. */
export interface Tally {
  seeds: number;
  faults: number;
  commits: number;
  events: number;
  virtualMs: number;
  /** Of the processes, their start included. */
  cpuMs: number;
}

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly text: string;
}

export function emptyTally(): Tally {
  return { seeds: 0, faults: 0, commits: 0, events: 0, virtualMs: 0, cpuMs: 0 };
}

export function count(tally: Tally, result: SimulationResult): void {
  tally.seeds += 1;
  tally.faults += result.faults;
  tally.commits += result.commits;
  tally.events += result.events;
  tally.virtualMs += result.virtualMs;
}

/** Runs one seed. @returns what must not happen and did; undefined when all is well. */
export async function runSeed(seed: number, tally: Tally, bug?: PlantedBug): Promise<Failure | undefined> {
  return runSchedule(scheduleOf(seed), tally, bug);
}

export async function runSchedule(
  schedule: Schedule,
  tally: Tally,
  bug?: PlantedBug,
): Promise<Failure | undefined> {
  const { seed } = schedule;
  const result = await simulate(schedule, bug && { bug });
  count(tally, result);
  const [violation] = result.violations;
  return violation && { seed, invariant: violation.invariant, text: violation.text };
}

/** A short schedule that breaks the same invariant as this one does. */
export async function shortest(schedule: Schedule, bug?: PlantedBug): Promise<Schedule> {
  const broken = await brokenBy(schedule, bug);
  return broken === undefined
    ? schedule
    : shrink(schedule, async (next) => (await brokenBy(next, bug)) === broken);
}

async function brokenBy(schedule: Schedule, bug?: PlantedBug): Promise<string | undefined> {
  return (await simulate(schedule, bug && { bug })).violations[0]?.invariant;
}
