import { fenceAfter, mostStaleness, planStep, type RunSpec, totalSteps } from "@latentweave/plan";
import type { MessageOf, Work } from "@latentweave/protocol";
import { type AppliedSteps, isApplied, noSteps, withApplied } from "./applied-steps.ts";
import { createPatience } from "./patience.ts";

export type GivenUp = NonNullable<MessageOf<"committed">["order"]>["givenUp"][number];

/** A planned step in hand, and who computes it. */
export interface InHand extends Work {
  readonly workers: readonly string[];
}

/** What is to be done with the steps that are whole. */
export type Choice =
  | { readonly kind: "apply"; readonly work: Work }
  /** Others have waited long enough for it. */
  | { readonly kind: "give-up"; readonly work: Work }
  /** Look again then, if nothing else happens. */
  | { readonly kind: "wait"; readonly untilMs: number | undefined };

/**
 * The leader's board: which planned step each team has in hand, on which version, and in which order those that are
 * whole are applied. No sockets, no timers: time is an argument.
 *
 * Invariants:
 * 1. A planned step is handed out only while it is not applied, and none beyond the next fence (plan's order.ts).
 * 2. Everything in hand can still be applied within the bound, if whatever is oldest is applied first: of k planned steps
 *    in hand the i-th oldest has i - 1 or more versions to spare. `choose` applies nothing that would break this; what is
 *    in the way is waited for, or given up when it is overdue.
 * 3. What is given up is handed out again, on the newest version, before anything new; the patience with it doubles. So
 *    it is applied in the end.
 */
export interface Board {
  /** Who is there now; whoever has something in hand goes on with it. */
  setTeams(teams: readonly (readonly string[])[]): void;
  readonly inHand: readonly InHand[];
  /** Gives every team without a planned step one, on this version. @returns whether anything changed */
  deal(version: number, nowMs: number): boolean;
  /** All of it has arrived everywhere. */
  whole(work: Work, nowMs: number): void;
  /** What becomes of those that are whole, in the step that makes `version` + 1. */
  choose(version: number, nowMs: number): Choice;
  applied(work: Work): void;
  giveUp(work: Work, why: GivenUp["why"]): void;
  /** Somebody of the team lacks the weights for this, which nobody has any more. */
  lacks(workerId: string, work: Work): void;
  /** How often this planned step was given up for this reason. */
  timesGivenUp(planned: number, why: GivenUp["why"]): number;
  /** Since this was asked last. */
  takeGivenUp(): GivenUp[];
  readonly appliedSteps: AppliedSteps;
  /** Nothing is in hand; these are applied. */
  startOver(applied: AppliedSteps): void;
}

interface Entry {
  readonly planned: number;
  readonly basis: number;
  /** Undefined: they are gone, and all that they had to send is here. */
  team: readonly string[] | undefined;
  readonly sinceMs: number;
  isWhole: boolean;
}

export function createBoard(spec: RunSpec): Board {
  const bound = mostStaleness(spec);
  const patience = createPatience();
  let teams: readonly (readonly string[])[] = [];
  let entries: Entry[] = [];
  let applied: AppliedSteps = noSteps;
  let givenUp: GivenUp[] = [];
  /** By planned step: how often, why, and who had it last. */
  const history = new Map<number, { readonly whys: GivenUp["why"][]; last: readonly string[] | undefined }>();

  const isOf =
    (work: Work) =>
    ({ planned, basis }: Work): boolean =>
      planned === work.planned && basis === work.basis;

  const remove = (gone: readonly Entry[], why: GivenUp["why"]): void => {
    entries = entries.filter((entry) => !gone.includes(entry));
    for (const { planned, basis, team } of gone) {
      // Somebody else may have the same in hand.
      if (entries.some(isOf({ planned, basis }))) continue;
      givenUp.push({ planned, basis, why });
      const known = history.get(planned);
      history.set(planned, { whys: [...(known?.whys ?? []), why], last: team });
    }
  };

  const samplesOf = (planned: number): number =>
    planStep(spec, planned)
      .rounds.flatMap((round) => round.tasks)
      .reduce((sum, task) => sum + task.samples, 0);

  /** When others stop waiting for it. */
  const overdueMs = ({ planned, sinceMs }: Entry): number => {
    const late = history.get(planned)?.whys.filter((why) => why === "stale").length ?? 0;
    const most = patience.mostMs(samplesOf(planned), late);
    return most === undefined ? Number.POSITIVE_INFINITY : sinceMs + most;
  };

  /**
   * What would have to be there, or be given up, before this may be applied as step `version` (invariant 2). Undefined:
   * something older that is whole comes first.
   */
  const inTheWay = (candidate: Entry, version: number): Entry[] | undefined => {
    const newest = new Map<number, number>();
    for (const { planned, basis } of entries)
      if (planned !== candidate.planned) newest.set(planned, Math.max(basis, newest.get(planned) ?? 0));
    const bases = [...newest.values()].sort((a, b) => a - b);
    const missed = bases.findLastIndex((basis, place) => basis + bound < version + 1 + place);
    if (missed < 0) return [];
    const newestMissed = bases[missed] as number;
    const blocking = entries.filter(
      ({ planned, isWhole }) =>
        planned !== candidate.planned && !isWhole && (newest.get(planned) as number) <= newestMissed,
    );
    return blocking.length > 0 ? blocking : undefined;
  };

  /** The lowest planned step that nobody has in hand; one that this team has given up only if there is no other team. */
  const nextFor = (team: readonly string[], version: number): number | undefined => {
    const fence = fenceAfter(spec, version);
    const taken = new Set(entries.map(({ planned }) => planned));
    const top = Math.max(applied.next, ...[...taken].map((planned) => planned + 1));
    const mayHave = (planned: number): boolean =>
      teams.length === 1 || !sameTeam(history.get(planned)?.last, team);
    for (let planned = applied.missing[0] ?? applied.next; planned < Math.min(top + 1, fence); planned++)
      if (!isApplied(applied, planned) && !taken.has(planned) && mayHave(planned)) return planned;
    return undefined;
  };

  /** Nothing is left to be handed out: what is overdue is computed by somebody else as well. */
  const overdueFor = (team: readonly string[], nowMs: number): number | undefined =>
    entries.find((entry) => !entry.isWhole && !sameTeam(entry.team, team) && overdueMs(entry) <= nowMs)
      ?.planned;

  return {
    setTeams(next) {
      teams = next;
      const free = new Set(next);
      const stay: Entry[] = [];
      for (const entry of entries) {
        const team = [...free].find((one) => one.some((worker) => entry.team?.includes(worker)));
        if (team) free.delete(team);
        entry.team = team;
        if (team || entry.isWhole) stay.push(entry);
      }
      remove(
        entries.filter((entry) => !stay.includes(entry)),
        "lost",
      );
    },
    get inHand() {
      return entries.map(({ planned, basis, team }) => ({ planned, basis, workers: team ?? [] }));
    },
    deal(version, nowMs) {
      let changed = false;
      for (const team of teams) {
        if (entries.some((entry) => entry.team === team)) continue;
        const distinct = new Set(entries.map(({ planned }) => planned)).size;
        const fresh = distinct <= bound ? nextFor(team, version) : undefined;
        const planned = fresh ?? overdueFor(team, nowMs);
        if (planned === undefined) continue;
        const same = entries.find(isOf({ planned, basis: version }));
        const isWhole = same?.isWhole ?? false;
        entries.push({ planned, basis: version, team, sinceMs: nowMs, isWhole });
        changed = true;
      }
      return changed;
    },
    whole(work, nowMs) {
      for (const entry of entries.filter(isOf(work))) {
        if (!entry.isWhole) patience.took(nowMs - entry.sinceMs, samplesOf(entry.planned));
        entry.isWhole = true;
      }
    },
    choose(version, nowMs) {
      const late = entries.find(({ basis }) => basis + bound < version);
      if (late) return { kind: "give-up", work: workOf(late) };
      const whole = entries
        .filter(({ isWhole }) => isWhole)
        .sort((a, b) => a.basis - b.basis || a.planned - b.planned);
      let untilMs = Number.POSITIVE_INFINITY;
      for (const entry of whole) {
        const blocking = inTheWay(entry, version);
        if (!blocking) continue;
        if (blocking.length === 0) return { kind: "apply", work: workOf(entry) };
        const overdue = blocking.find((one) => overdueMs(one) <= nowMs);
        if (overdue) return { kind: "give-up", work: workOf(overdue) };
        untilMs = Math.min(untilMs, ...blocking.map(overdueMs));
      }
      // Where a team has nothing to do, it looks again for what is overdue by then.
      const isIdle = teams.some((team) => entries.every((entry) => entry.team !== team));
      const dueMs = entries.filter((one) => !one.isWhole).map(overdueMs);
      if (isIdle) untilMs = Math.min(untilMs, ...dueMs.filter((ms) => ms > nowMs));
      return { kind: "wait", untilMs: Number.isFinite(untilMs) ? untilMs : undefined };
    },
    applied({ planned }) {
      // The closing evaluation leaves the weights as they are: whoever begins at them makes it again.
      if (planned < totalSteps(spec)) applied = withApplied(applied, planned);
      entries = entries.filter((entry) => entry.planned !== planned);
      history.delete(planned);
    },
    giveUp(work, why) {
      remove(entries.filter(isOf(work)), why);
    },
    lacks(workerId, work) {
      remove(
        entries.filter((entry) => isOf(work)(entry) && !entry.isWhole && entry.team?.includes(workerId)),
        "lost",
      );
    },
    timesGivenUp: (planned, why) => history.get(planned)?.whys.filter((one) => one === why).length ?? 0,
    takeGivenUp() {
      const taken = givenUp;
      givenUp = [];
      return taken;
    },
    get appliedSteps() {
      return applied;
    },
    startOver(next) {
      entries = [];
      givenUp = [];
      history.clear();
      applied = next;
    },
  };
}

const workOf = ({ planned, basis }: Work): Work => ({ planned, basis });

function sameTeam(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.join("\0") === other.join("\0");
}
