import type { Launcher } from "../cluster/launcher.ts";
import type { PlantedBug } from "../planted/planted-bug.ts";
import type { Schedule } from "../schedule/schedule.ts";
import type { Label } from "../virtual-clock.ts";
import { simulate, type SimulationResult } from "../simulate.ts";
import type { Random } from "../world/random.ts";
import { createChoiceClock, type Next, type Waiting } from "./choice-clock.ts";
import { hashOf, hashWith } from "./hash.ts";

/** The cluster whose orders of events are explored. */
export interface Size {
  readonly shards: number;
  readonly workers: number;
  readonly steps: number;
}

/** Something that can happen next. */
export interface Option {
  /** Its way: of one way only the first thing that waits can happen. A loss: of whom, and how. */
  readonly id: string;
  /** `disk` and `timer` leave no choice but a loss. */
  readonly kind: "event" | "disk" | "timer" | "loss";
  /** A bit for each process that it reaches. */
  readonly reaches: number;
  /** The process that said it; -1: none did. */
  readonly from: number;
  /** The steps that it comes of: when it was said, and when it came to be the first on its way. */
  readonly causes: readonly number[];
  /** A loss takes along what the process has on its way. */
  readonly takesAlong: boolean;
  /** The coordinator is done with the run when it comes: it makes no difference to it any more. */
  readonly late: boolean;
  /** Nothing that has happened explains why it should come later: the least comes first where nobody decides. */
  readonly stamp: number;
}

export interface Seen {
  /** Of all processes; equal when no process can tell the difference. */
  readonly state: () => number;
  /** One that could go off though something is on its way. */
  readonly timer: Option | undefined;
  /** Bits of the processes that have done nothing in the last step that outlives them. */
  readonly silent: number;
}

export interface Decider {
  /**
   * What happens as step number `at`.
   *
   * @returns undefined: nothing, the run is not wanted any further
   */
  choose(at: number, options: readonly Option[], seen: Seen): Option | undefined;
  /** This comes too late, after step number `at`: whom it was meant for has ended. */
  missed?(at: number, option: Option): void;
}

/** Processes that are lost (`kill -9`) and started again: how many in one run, each at most once, and which. */
export interface Losses {
  readonly most: number;
  readonly of: (name: string) => boolean;
}

export type Loss = "all" | "none";

/** The names of a cluster's processes, in the order of their bits. */
export function processesOf({ shards, workers }: Size): string[] {
  return [
    "coordinator",
    ...Array.from({ length: shards }, (_, index) => `shard-${index}`),
    ...Array.from({ length: workers }, (_, index) => `worker-${index}`),
  ];
}

/** One run, from the beginning to its end or to where it is not wanted any further. */
export async function runOnce(
  size: Size,
  losses: Losses,
  decider: Decider,
  bug?: PlantedBug,
  keepLog = false,
): Promise<SimulationResult & { readonly state: number }> {
  const names = processesOf(size);
  const bitOf = new Map(names.map((name, index) => [name, 1 << index]));
  const all = (1 << names.length) - 1;
  /** Of each process, a hash of all that it was given, in order. */
  const histories = names.map(hashOf);
  /** Of all that came when the coordinator was done, in whatever order: it makes no difference. */
  let late = 0;
  /** Of each process, the stamp of what it was given last. */
  const stamps = names.map(() => 0);
  const stampsOfSteps: number[] = [];
  const lost = new Set<string>();
  const bitsOf = (processes: readonly string[]): number =>
    processes.reduce((bits, name) => bits | (bitOf.get(name) ?? 0), 0);
  const shardBits = bitsOf(names.filter((name) => name.startsWith("shard-")));
  let step = -1;
  let loud = 0;
  /** The coordinator has said goodbye: nothing is of any interest to it. */
  let ended = false;
  /** The step in which the coordinator before was lost. */
  let since = -1;
  let cut = false;
  let begun = false;
  let keeps = true;
  let launcher: Launcher | undefined;

  const optionOf = ({ label, setIn, atMs }: Waiting): Option => {
    const known = label?.();
    if (!known || known.kind === "timer")
      return {
        id: `${known?.way ?? "timer"} at ${atMs}`,
        ...{ kind: "timer", reaches: all, from: -1, causes: [], takesAlong: false, late: false, stamp: 0 },
      };
    const causes = known.saidIn === undefined ? [setIn] : [setIn, known.saidIn];
    // Otherwise the run would have ended.
    if (known.kind === "goodbye") causes.push(since);
    return {
      ...{ id: known.way, kind: known.kind === "disk" ? "disk" : "event", reaches: bitsOf(known.processes) },
      ...{ from: known.from === undefined ? -1 : names.indexOf(known.from), causes, takesAlong: false },
      late: ended,
      stamp: 1 + Math.max(0, ...causes.map((cause) => stampsOfSteps[cause] ?? 0)),
    };
  };

  /** Where nothing of what a process has said is on its way, there is nothing to be taken along. */
  const lossOptions = (speakers: number): Option[] => {
    if (lost.size >= losses.most || launcher?.finished) return [];
    return names.flatMap((name, index) => {
      if (!losses.of(name) || lost.has(name) || !launcher?.process(name)) return [];
      const ways: readonly Loss[] = speakers & (1 << index) ? ["all", "none"] : ["all"];
      return ways.map((kept): Option => ({
        id: lossId(name, kept),
        ...{ kind: "loss", reaches: 1 << index, from: -1, causes: [], late: false, stamp: 0 },
        takesAlong: kept === "none",
      }));
    });
  };

  const lose = (name: string, takesAlong: boolean) => (): void => {
    lost.add(name);
    if (name === "coordinator") {
      ended = false;
      since = step;
    }
    keeps = !takesAlong;
    launcher?.kill(name, false, 0);
    keeps = true;
  };

  const happen = (option: Option, nowMs: number): void => {
    const hash = hashWith(hashOfId(option.id), Math.round(nowMs * 1000));
    let stamp = option.stamp;
    if (option.late && option.reaches & 1) late = (late + hash) % 2 ** 52;
    for (let index = 0; index < names.length; index++)
      if (option.reaches & (1 << index)) stamp = Math.max(stamp, 1 + (stamps[index] ?? 0));
    for (let index = 0; index < names.length; index++) {
      if (!(option.reaches & (1 << index)) || (option.late && index === 0)) continue;
      histories[index] = hashWith(histories[index] ?? 0, hash);
      stamps[index] = stamp;
    }
    stampsOfSteps.push(stamp);
  };

  const stateAt = (nowMs: number): number =>
    histories.reduce((hash, history) => hashWith(hash, history), hashWith(late, Math.round(nowMs * 1000)));

  /** What was meant for a process that has ended could have come before the end; losses are tried at every point. */
  const isMissed = ({ kind, processes }: Label): boolean =>
    kind !== "timer" && kind !== "disk" && !processes.some((name) => lost.has(name));

  /** Of the coordinator that runs: the run ends before it arrives. */
  const isGoodbye = ({ label }: Waiting): boolean => {
    const known = label?.();
    return known?.kind === "goodbye" && (known.saidIn ?? -1) >= since;
  };

  const choose = (waiting: readonly Waiting[], nowMs: number): Next | undefined => {
    const found: { readonly waits: Waiting; readonly option: Option }[] = [];
    let timer: Waiting | undefined;
    let disk: Waiting | undefined;
    let speakers = 0;
    for (const waits of waiting) {
      const label = waits.label?.();
      const kind = label?.kind ?? "timer";
      if (label?.from !== undefined && (kind === "message" || kind === "goodbye"))
        speakers |= bitOf.get(label.from) ?? 0;
      if (label?.isVoid === true && begun && isMissed(label)) decider.missed?.(step, optionOf(waits));
      if (kind === "report" || label?.isVoid === true) return waits;
      if (kind === "timer") timer = timer && isBefore(timer, waits) ? timer : waits;
      else if (kind === "disk") disk ??= waits;
      else if (isGoodbye(waits)) continue;
      else if (begun && !disk) found.push({ waits, option: optionOf(waits) });
      else if (!begun) return waits;
    }
    if (!begun) return disk ?? timer;
    // What was said before the end still arrives, or it would not be seen that it could have come earlier.
    if (launcher?.finished && !disk && found.length === 0) return undefined;
    const forced = disk ?? (found.length === 0 ? timer : undefined);
    const able = forced ? [{ waits: forced, option: optionOf(forced) }] : found.sort(byOrder);
    const early = timer && !forced ? { waits: timer, option: optionOf(timer) } : undefined;
    const options = able.map(({ option }) => option);
    options.push(...lossOptions(speakers));
    const chosen = decider.choose(step + 1, options, {
      state: () => stateAt(nowMs),
      timer: early?.option,
      silent: all & ~loud,
    });
    if (!chosen) {
      cut = true;
      return undefined;
    }
    step += 1;
    // The memory of a shard outlives it, and so does the disk.
    loud = (chosen.reaches & shardBits) | (chosen.kind === "disk" ? 1 : 0);
    happen(chosen, nowMs);
    if (chosen.kind === "loss") {
      const [, name = ""] = chosen.id.split(" ");
      return lose(name, chosen.takesAlong);
    }
    return [...able, ...(early ? [early] : [])].find(({ option }) => option === chosen)?.waits;
  };

  const said = (from: string): number => {
    loud |= bitOf.get(from) ?? 0;
    return step;
  };

  /** What is drawn are delays, which nobody looks at here, and how much of what was said survives its sender. */
  const random: Random = {
    next: () => 0.5,
    int: () => 0,
    between: (low, high) => (low + high) / 2,
    spread: (low) => low,
    chance: () => keeps,
    pick: (items) => items[0] as (typeof items)[number],
  };
  const schedule: Schedule = { seed: 0, job: "least", ...size, codec: false, faults: [] };
  const result = await simulate(schedule, {
    ...(bug && { bug }),
    keepLog,
    clock: createChoiceClock({ choose, turn: () => step, said }),
    random: () => random,
    onWorld(started) {
      launcher = started;
    },
    onSent({ message }) {
      // Membership is settled, and weights are on their way.
      if (message.type === "broadcast") begun = true;
      if (message.type === "finish") ended = true;
    },
    goesOn: true,
    isCut: () => cut,
  });
  return { ...result, state: stateAt(result.virtualMs) };
}

export function lossId(name: string, kept: Loss): string {
  return `loses ${name} ${kept === "all" ? "" : "and what it has on its way"}`.trim();
}

function byOrder(a: { readonly option: Option }, b: { readonly option: Option }): number {
  return a.option.stamp - b.option.stamp || (a.option.id < b.option.id ? -1 : 1);
}

/** Of timers of one moment the order is that of their names. */
function isBefore(a: Waiting, b: Waiting): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  const [nameA, nameB] = [a.label?.().way ?? "", b.label?.().way ?? ""];
  return nameA === nameB ? a.order < b.order : nameA < nameB;
}

/** Ways have the same few names in all runs. */
const hashes = new Map<string, number>();

function hashOfId(id: string): number {
  let hash = hashes.get(id);
  if (hash === undefined) hashes.set(id, (hash = hashOf(id)));
  return hash;
}
