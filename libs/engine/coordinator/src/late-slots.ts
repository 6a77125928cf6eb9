import type { RunSpec } from "@latentweave/plan";
import type { Lease, MessageOf } from "@latentweave/protocol";
import type { Member } from "./member.ts";
import type { RunLog } from "./run-log.ts";

/**
 * What becomes of slots that a step waits for: others compute them as well, and whoever answers first is heard. A worker
 * that is late twice with one step gets no more leases until it answers again.
 */
export interface LateSlots {
  take(message: MessageOf<"late">): void;
  /** Whether a step was late since this was asked last: then the leases may want to follow the speeds. */
  wereLate(): boolean;
}

export function createLateSlots(options: {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly log: RunLog;
  readonly active: () => readonly Member[];
  /** Members were suspended: their leases go to others. */
  readonly onSuspended: (why: string) => void;
}): LateSlots {
  const { runId, spec, log } = options;
  let helped: string | undefined;
  let late = false;

  const ownersOf = (missing: readonly Lease[]): Member[] =>
    options
      .active()
      .filter((member) => member.leases.some((own) => missing.some((lease) => overlap(own, lease))));

  const suspend = (owners: readonly Member[], step: number): void => {
    const late = owners.filter((member) => !member.suspended);
    // Where nobody else is left, waiting is all there is.
    if (late.length === 0 || options.active().every((member) => member.suspended || late.includes(member)))
      return;
    for (const member of late) member.suspended = true;
    const names = late.map(({ workerId }) => workerId).join(", ");
    log.event("warning", `step ${step} waits for worker ${names}: its slots go to others until it answers`);
    options.onSuspended(`worker ${names} is late`);
  };

  return {
    wereLate() {
      const were = late;
      late = false;
      return were;
    },
    take({ timeline, step, missing }) {
      late = true;
      const owners = ownersOf(missing);
      const now = `${timeline} ${step}`;
      if (helped === now) {
        suspend(owners, step);
        return;
      }
      helped = now;
      const helpers = options.active().filter((member) => !member.suspended && !owners.includes(member));
      const shares = divide(spec, missing, helpers);
      if (shares.size === 0) {
        suspend(owners, step);
        return;
      }
      for (const [member, leases] of shares)
        member.channel?.send({ type: "help", runId, timeline, step, leases: [...leases] });
    },
  };
}

/**
 * Shares slots out among those who hold their task's weights already.
 * @returns nothing at all where some slot has nobody: then leases must move, and weights with them
 */
export function divide(
  spec: Pick<RunSpec, "tasks">,
  missing: readonly Lease[],
  helpers: readonly Member[],
): ReadonlyMap<Member, readonly Lease[]> {
  const shares = new Map<Member, Lease[]>();
  const load = new Map<Member, number>(helpers.map((member) => [member, 0]));
  const sizes = new Map(spec.tasks.map((task) => [task.name, task.microBatch]));
  for (const { task, start, end } of missing) {
    const able = helpers.filter((member) => member.leases.some((lease) => lease.task === task));
    if (able.length === 0) return new Map();
    for (let slot = start; slot < end; slot += 1) {
      const least = able.reduce((best, member) =>
        (load.get(member) ?? 0) < (load.get(best) ?? 0) ? member : best,
      );
      load.set(least, (load.get(least) ?? 0) + (sizes.get(task) ?? 1) / (least.samplesPerSecond ?? 1));
      let share = shares.get(least);
      if (!share) shares.set(least, (share = []));
      const last = share.at(-1);
      if (last?.task === task && last.end === slot) last.end = slot + 1;
      else share.push({ task, start: slot, end: slot + 1 });
    }
  }
  return shares;
}

function overlap(a: Lease, b: Lease): boolean {
  return a.task === b.task && a.start < b.end && b.start < a.end;
}
