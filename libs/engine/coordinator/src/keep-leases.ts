import { alignedSplit } from "@latentweave/aggregation";
import type { RunSpec } from "@latentweave/plan";
import type { Lease } from "@latentweave/protocol";
import type { Assignee } from "./assign.ts";

type Leases = ReadonlyMap<string, readonly Lease[]>;

/** Workers. In a smaller fleet a change is rare, and a slot more or less is much: everybody hears of each. */
export const largeFleet = 20;
/**
 * In a large fleet somebody always comes or goes. As long as no more than this share of it did, nobody else is
 * disturbed for it; what that costs in balance is less, and the next look at the measured speeds makes up for it.
 */
const fewShare = 0.25;

/**
 * Whoever stays keeps the slots it has, and those of workers that went are given to whoever has least for its speed.
 * @returns undefined where so many came or went that all slots should be dealt anew
 */
export function keepLeases(
  spec: Pick<RunSpec, "tasks">,
  workers: readonly Assignee[],
  current: Leases,
): Leases | undefined {
  const came = workers.filter(({ workerId }) => !current.has(workerId)).length;
  const went = current.size - (workers.length - came);
  if (workers.length < largeFleet || came + went > fewShare * workers.length) return undefined;
  const kept = new Map(workers.map(({ workerId }) => [workerId, current.get(workerId) ?? []]));
  const load = new Map(workers.map(({ workerId }) => [workerId, 0]));
  const samples = new Map(spec.tasks.map((task) => [task.name, task.microBatch]));
  const give = ({ workerId, speed }: Assignee, { task, start, end }: Lease): void => {
    load.set(workerId, (load.get(workerId) ?? 0) + ((end - start) * (samples.get(task) ?? 0)) / speed);
  };
  for (const worker of workers) for (const lease of kept.get(worker.workerId) ?? []) give(worker, lease);
  const balanced =
    spec.tasks.reduce((sum, task) => sum + task.slots * task.microBatch, 0) /
    workers.reduce((sum, { speed }) => sum + speed, 0);
  /** How much more a worker could take until it has its part. */
  const room = ({ workerId, speed }: Assignee): number =>
    Math.max(0, balanced - (load.get(workerId) ?? 0)) * speed;

  const rooms = Float64Array.from(workers, room);

  for (const orphan of orphansOf(spec, [...kept.values()].flat())) {
    const slots = orphan.end - orphan.start;
    const takers = largest(rooms, slots);
    const isFull = takers.every((taker) => rooms[taker] === 0);
    const pieces = alignedSplit(
      slots,
      takers.map((taker) => (isFull ? (workers[taker]?.speed ?? 0) : (rooms[taker] ?? 0))),
    );
    for (const [place, taker] of takers.entries()) {
      const piece = pieces[place];
      const worker = workers[taker];
      if (!worker || !piece || piece.start === piece.end) continue;
      const lease = { task: orphan.task, start: orphan.start + piece.start, end: orphan.start + piece.end };
      kept.set(worker.workerId, joined(spec, [...(kept.get(worker.workerId) ?? []), lease]));
      give(worker, lease);
      rooms[taker] = room(worker);
    }
  }
  return kept;
}

/** Places of the `count` largest values, the largest first, of equal ones the earlier first. */
function largest(values: Float64Array, count: number): number[] {
  // Mostly somebody went who had a slot or two: looking through all is less work than putting them in order.
  if (count === 1) {
    let best = 0;
    for (let place = 1; place < values.length; place++)
      if ((values[place] as number) > (values[best] as number)) best = place;
    return [best];
  }
  return Array.from(values.keys())
    .sort((a, b) => (values[b] as number) - (values[a] as number))
    .slice(0, count);
}

/** Slots that nobody has, as ranges. */
function orphansOf(spec: Pick<RunSpec, "tasks">, leases: readonly Lease[]): Lease[] {
  return spec.tasks.flatMap((task) => {
    const held = leases.filter((lease) => lease.task === task.name).sort((a, b) => a.start - b.start);
    const ends = [0, ...held.map(({ end }) => end)];
    const starts = [...held.map(({ start }) => start), task.slots];
    return ends.flatMap((start, place) => {
      const end = starts[place] as number;
      return start < end ? [{ task: task.name, start, end }] : [];
    });
  });
}

/** In the order of tasks and slots, with neighbours made one. */
function joined(spec: Pick<RunSpec, "tasks">, leases: readonly Lease[]): Lease[] {
  return spec.tasks.flatMap(({ name }) => {
    const own: Lease[] = [];
    for (const lease of leases.filter(({ task }) => task === name).sort((a, b) => a.start - b.start)) {
      const last = own.at(-1);
      if (last?.end === lease.start) last.end = lease.end;
      else own.push({ ...lease });
    }
    return own;
  });
}
