import { momentsOfRelays } from "@latentweave/protocol";
import { pick } from "../draw/choose.ts";
import { type Draw, keyedRandom } from "../draw/keyed-random.ts";
import { type Fault, type FaultKind, faultKinds, type FaultPlan, faultSchema } from "./fault.ts";
import type { RunShape } from "./check-plan.ts";
import { foundByAudits, isSurvivable, kindsWithMoment, momentsOf } from "./targets.ts";

const fewest = 10;
const most = 25;
/** Steps at either end without faults: a run must have begun, and the last fault needs steps to be seen to pass. */
const edgeSteps = 3;

/** Kinds that come up more often, as they do in life. */
const weights: Partial<Record<FaultKind, number>> = { kill: 6, stop: 3, drain: 2, slow: 2 };

/**
 * A plan drawn from a seed, of faults that a run survives: the same seed and run give the same plan. Steps lie apart as evenly as chance allows,
 * so that each fault has steps of its own.
 * @throws RangeError when the run is too short for any fault
 */
export function randomPlan(seed: number, run: RunShape): FaultPlan {
  const room = run.steps - 2 * edgeSteps;
  if (room < 1) throw new RangeError(`a run of ${run.steps} steps has no room for faults`);
  const random = keyedRandom(seed);
  const wanted = fewest + Math.floor(random("count") * (most - fewest + 1));
  const count = Math.min(wanted, room);
  const bag = faultKinds
    .filter((kind) => isSurvivable(kind, run.audited))
    .flatMap((kind) => Array.from({ length: weights[kind] ?? 1 }, () => kind));
  const away = new Set<string>();
  const drained = new Set<string>();
  let workers = run.workers;
  const faults: Fault[] = [];
  for (let index = 0; index < count; index++) {
    const draw: Draw = (what) => random(what, index);
    const step = edgeSteps + Math.floor(((index + draw("step")) * room) / count);
    // Whom two workers accuse is convicted: two that err once each might have a third, honest one shut out.
    const hasWrongBits = faults.some((fault) => foundByAudits.includes(fault.do));
    const kind = sensible(pick(draw, "kind", bag), { away, drained, workers, hasWrongBits });
    const to = targetFor(kind, draw, { ...run, workers }, { away, drained });
    if (kind === "join") workers += 1;
    // Who sent a number that others did not is never let in again.
    if (kind === "drain" || isConvicting(kind)) away.add(to);
    if (kind === "drain") drained.add(to);
    if (kind === "rejoin") for (const set of [away, drained]) set.delete(to);
    faults.push(faultSchema.parse({ do: kind, to, at: { step, ...momentFor(kind, to, draw) } }));
  }
  return { job: {}, hosts: {}, faults };
}

function isConvicting(kind: FaultKind): boolean {
  return kind === "nan-gradient" || kind === "inf-gradient" || kind === "wrong-answers";
}

/** Who leaves needs somebody who stays, and to convict takes two; a return needs somebody who left. */
function sensible(
  kind: FaultKind,
  so: {
    readonly away: ReadonlySet<string>;
    readonly drained: ReadonlySet<string>;
    readonly workers: number;
    readonly hasWrongBits: boolean;
  },
): FaultKind {
  const present = so.workers - so.away.size;
  if (foundByAudits.includes(kind)) return present < 3 || so.hasWrongBits ? "kill" : kind;
  if ((kind === "drain" || isConvicting(kind)) && present < 3) return "kill";
  if (kind === "rejoin" && so.drained.size === 0) return so.workers < 6 ? "join" : "kill";
  return kind;
}

function targetFor(
  kind: FaultKind,
  draw: Draw,
  run: RunShape,
  { away, drained }: { away: ReadonlySet<string>; drained: ReadonlySet<string> },
): string {
  const workers = names("worker", run.workers).filter((name) => !away.has(name));
  switch (kind) {
    case "join":
      return `worker-${run.workers}`;
    case "rejoin":
      return pick(draw, "to", [...drained]);
    case "kill":
    case "stop":
    case "clock-jump":
      return pick(draw, "to", [
        ...workers,
        ...names("shard", run.shards),
        "coordinator",
        ...(kind === "kill" ? ["everything"] : []),
      ]);
    case "lose-memory":
      return pick(draw, "to", [...names("shard", run.shards), "everything"]);
    case "disk-full":
    case "disk-read-only":
      return "coordinator";
    case "damage-checkpoint":
    case "damage-ledger":
      return "everything";
    default:
      return pick(draw, "to", workers);
  }
}

/** Half of the faults that can strike at a moment do. */
function momentFor(kind: FaultKind, to: string, draw: Draw): { readonly moment?: string } {
  if (!kindsWithMoment.includes(kind) || to === "everything" || draw("at") < 0.5) return {};
  // Chance does not know whether anybody speaks for others.
  const known = momentsOf(to).filter((moment) => !momentsOfRelays.includes(moment));
  return { moment: pick(draw, "moment", known) };
}

function names(role: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${role}-${index}`);
}
