import { moments, momentsOfRelays } from "@latentweave/protocol";
import { compressionNames, drawnJobs } from "../cluster/tiny-jobs.ts";
import { createRandom, type Random } from "../world/random.ts";
import type { Fault, Schedule, When } from "./schedule.ts";

/** A schedule drawn from a seed: how large, how long, what is rounded, and what goes wrong. */
export function scheduleOf(seed: number): Schedule {
  // Of a stream of its own: with nothing rounded, a seed says what it did before.
  const random = createRandom(seed, "compression");
  const schedule = withOffers(withHosts(uncompressedScheduleOf(seed)));
  return random.chance(0.4) ? { ...schedule, compression: random.pick(compressionNames) } : schedule;
}

/** In every third run workers share hosts, one or two. */
function withHosts(schedule: Schedule): Schedule {
  const random = createRandom(schedule.seed, "hosts");
  return random.chance(1 / 3) ? { ...schedule, hosts: 1 + random.int(2) } : schedule;
}

function withOffers(schedule: Schedule): Schedule {
  return createRandom(schedule.seed, "offers").chance(1 / 3) ? { ...schedule, offers: true } : schedule;
}

export function uncompressedScheduleOf(seed: number): Schedule {
  const schedule = drawn(seed, stepsAndFaults);
  const random = createRandom(seed, "what is read");
  return { ...schedule, faults: schedule.faults.flatMap((fault) => withReading(fault, random)) };
}

/** Damage shows when it is read, and a short run seldom comes to that by itself: everybody loses what the checkpoint has. */
function withReading(fault: Fault, random: Random): readonly Fault[] {
  if (fault.what !== "flip" || random.chance(0.4)) return [fault];
  const laterMs = random.spread(1, 100);
  const { when } = fault;
  const after: When =
    "atMs" in when
      ? { atMs: when.atMs + laterMs }
      : "afterMs" in when
        ? { ...when, afterMs: when.afterMs + laterMs }
        : when;
  return [fault, { what: "kill-all", when: after, power: true, downMs: random.spread(1, 500) }];
}

/** What the seed drew while runs were longer: bugs that were found then stay found by the schedules that found them. */
export function formerScheduleOf(seed: number): Schedule {
  return drawn(seed, (random) => ({ steps: random.pick(formerLengths), faults: [1, 30] }));
}

interface Size {
  readonly steps: number;
  /** The fewest and the most. */
  readonly faults: readonly [number, number];
}

function drawn(seed: number, sizeOf: (random: Random) => Size): Schedule {
  const random = createRandom(seed, "schedule");
  const { steps, faults } = sizeOf(random);
  const workers = 1 + random.int(4);
  const shards = 1 + random.int(3);
  const job = random.pick(drawnJobs);
  // Now and then nothing happens but delays, and now and then very much.
  const count = random.chance(0.05) ? 0 : Math.round(random.spread(...faults));
  const draw: Drawing = { random, steps, workers, shards };
  return {
    seed,
    job,
    steps,
    workers,
    shards,
    codec: random.chance(0.05),
    faults: Array.from({ length: count }, () => faultOf(draw)),
  };
}

/**
 * Most runs are short and full of faults: a step in which nothing happens finds nothing, and what a second of computing
 * time finds is what counts (docs/commit.md has the figures). Some are as long as what only comes up late may need.
 */
function stepsAndFaults(random: Random): Size {
  const kind = random.next();
  if (kind < 0.005) return { steps: random.pick(longLengths), faults: [12, 60] };
  return { steps: random.pick(kind < 0.05 ? middleLengths : shortLengths), faults: [2, 40] };
}

// A few, so that the undisturbed runs that they are held against are made once.
const shortLengths = [2, 3, 4, 4, 6, 6, 9, 9, 14, 20];
const middleLengths = [30, 50];
const longLengths = [120, 300];
const formerLengths = [4, 6, 6, 9, 9, 14, 14, 20, 30, 50, 120];

interface Drawing {
  readonly random: Random;
  readonly steps: number;
  readonly workers: number;
  readonly shards: number;
}

/** How often each kind is drawn, and how. */
const kinds: readonly (readonly [often: number, draw: (drawing: Drawing) => Fault])[] = [
  [12, (on) => ({ what: "kill", when: whenOf(on, "any"), who: someone(on), downMs: down(on) })],
  [3, (on) => ({ what: "power-cut", when: whenOf(on, "any"), who: someone(on), downMs: down(on) })],
  [
    1.5,
    (on) => ({ what: "kill-all", when: whenOf(on, "time"), power: on.random.chance(0.4), downMs: down(on) }),
  ],
  [
    4,
    (on) => ({
      what: "pause",
      when: whenOf(on, "any"),
      who: someone(on),
      forMs: on.random.spread(10, 6_000),
    }),
  ],
  [
    2,
    (on) => ({
      what: "slow",
      when: whenOf(on, "time"),
      who: someone(on),
      factor: on.random.spread(2, 30),
      forMs: on.random.spread(50, 2_000),
    }),
  ],
  [3, (on) => ({ what: "join", when: whenOf(on, "time"), who: `worker-${on.workers + on.random.int(3)}` })],
  [3, (on) => ({ what: "leave", when: whenOf(on, "time"), who: worker(on), downMs: down(on) })],
  [2, (on) => ({ what: "rejoin", when: whenOf(on, "time"), who: worker(on) })],
  [6, (on) => ({ what: "cut", when: whenOf(on, "any"), ...pair(on) })],
  [3, (on) => halfOpen(on)],
  [
    4,
    (on) => ({
      what: "partition",
      when: whenOf(on, "time"),
      ...pair(on),
      forMs: on.random.spread(10, 8_000),
    }),
  ],
  [
    2,
    (on) => ({
      what: "isolate",
      when: whenOf(on, "time"),
      who: someone(on),
      forMs: on.random.spread(10, 5_000),
    }),
  ],
  [2, (on) => slowLink(on)],
  [0.5, (on) => ({ what: "disk-full", when: whenOf(on, "time"), forMs: on.random.spread(10, 2_000) })],
  [
    1,
    (on) => ({
      what: "disk-slow",
      when: whenOf(on, "time"),
      extraMs: on.random.spread(5, 300),
      forMs: on.random.spread(50, 3_000),
    }),
  ],
  [1, (on) => ({ what: "flip", when: whenOf(on, "time") })],
  [
    1,
    (on) => ({ what: "clock-jump", when: whenOf(on, "time"), byMs: (on.random.next() - 0.5) * 20_000_000 }),
  ],
  [1.5, (on) => ({ what: "stop", when: whenOf(on, "time"), downMs: down(on) })],
];
const total = kinds.reduce((sum, [often]) => sum + often, 0);

function faultOf(drawing: Drawing): Fault {
  let at = drawing.random.next() * total;
  for (const [often, draw] of kinds) {
    at -= often;
    if (at < 0) return draw(drawing);
  }
  return { what: "kill", when: { atMs: 0 }, who: "worker-0", downMs: 0 };
}

/** Messages before which it hurts. */
const hurtful: Readonly<Record<string, readonly string[]>> = {
  coordinator: [
    "begin",
    "members",
    "assignment",
    "committed-ack",
    "finish",
    "restore",
    "welcome",
    "help",
    "point",
    "checkpoint-taken",
  ],
  shard: [
    "broadcast",
    "reduced",
    "applied",
    "settled",
    "decide",
    "committed",
    "checkpoint-slice",
    "checkpoint-end",
    "point-slice",
    "point-end",
    "points",
    "held",
    "ready",
  ],
  worker: ["push", "worker-report", "canary", "attach"],
};

/** `time`: nobody in particular does anything then. */
function whenOf({ random, steps, workers, shards }: Drawing, which: "any" | "time"): When {
  const kind = random.next();
  const atStep = random.int(steps + 1);
  if (which === "time" || kind < 0.35)
    return random.chance(0.4)
      ? { atMs: random.spread(1, 60 + steps * 25) }
      : { atStep, afterMs: random.spread(0.05, 20) };
  const by = someone({ random, steps, workers, shards });
  const role = by.replace(/-\d+$/, "");
  return kind < 0.7
    ? { atStep, by, moment: random.pick(drawnMoments(role as keyof typeof moments)) }
    : { atStep, by, sends: random.pick(hurtful[role] as readonly string[]) };
}

function drawnMoments(role: keyof typeof moments): readonly string[] {
  return moments[role].filter((moment) => !momentsOfRelays.includes(moment));
}

function down({ random }: Drawing): number {
  return random.spread(1, 3_000);
}

function worker({ random, workers }: Pick<Drawing, "random" | "workers">): string {
  return `worker-${random.int(workers)}`;
}

function shard({ random, shards }: Pick<Drawing, "random" | "shards">): string {
  return `shard-${random.int(shards)}`;
}

function someone(drawing: Drawing): string {
  const kind = drawing.random.next();
  if (kind < 0.25) return "coordinator";
  return kind < 0.6 ? shard(drawing) : worker(drawing);
}

function pair(on: Drawing): { readonly a: string; readonly b: string } {
  const kind = on.random.next();
  if (kind < 0.3) return { a: "coordinator", b: on.random.chance(0.5) ? shard(on) : worker(on) };
  if (kind < 0.5 && on.shards > 1) return { a: "shard-0", b: `shard-${1 + on.random.int(on.shards - 1)}` };
  return { a: worker(on), b: shard(on) };
}

function halfOpen(on: Drawing): Fault {
  const when = whenOf(on, "any");
  const { a, b } = pair(on);
  return on.random.chance(0.5)
    ? { what: "half-open", when, hears: a, deaf: b }
    : { what: "half-open", when, hears: b, deaf: a };
}

function slowLink(on: Drawing): Fault {
  const { random } = on;
  return {
    what: "slow-link",
    when: whenOf(on, "time"),
    ...pair(on),
    extraMs: random.spread(1, 200),
    bytesPerMs: random.spread(2, 2_000),
    forMs: random.spread(50, 4_000),
  };
}
