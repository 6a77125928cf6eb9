import { createLayout } from "@latentweave/parameters";
import { isOrdered, keepsBits } from "@latentweave/plan";
import { createChecker, type Violation } from "./checks/checker.ts";
import type { OrderTally } from "./checks/order-check.ts";
import { replayLedger } from "./checks/replay-ledger.ts";
import { createReferenceRecorder, type Reference } from "./checks/reference.ts";
import { createTrace } from "./checks/trace.ts";
import type { Watch } from "./checks/watch.ts";
import { createHostMemory } from "./cluster/host-memory.ts";
import { createLauncher, type Launcher } from "./cluster/launcher.ts";
import { ledgerState, readLedger } from "./cluster/disk-store.ts";
import { type CompressionName, type JobName, tinySpec } from "./cluster/tiny-jobs.ts";
import type { World } from "./cluster/world.ts";
import type { PlantedBug } from "./planted/planted-bug.ts";
import type { Schedule } from "./schedule/schedule.ts";
import { createStriker } from "./schedule/strike.ts";
import { createVirtualClock, untilPromisesRest, type VirtualClock } from "./virtual-clock.ts";
import type { Outgoing } from "./world/connection.ts";
import { createDisk } from "./world/disk.ts";
import { createNetwork } from "./world/network.ts";
import { createRandom, type Random } from "./world/random.ts";

/** What came of a simulated run. */
export interface SimulationResult {
  /** Empty when every invariant held and the run ended as the undisturbed one. */
  readonly violations: readonly Violation[];
  readonly commits: number;
  /** Modes with an order: how stale commits were, and what was given up. */
  readonly order: OrderTally;
  readonly faults: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Digest of everything that was sent, when and by whom: equal for equal schedules. */
  readonly trace: string;
  /** The newest messages before the end, for people. */
  readonly log: readonly string[];
}

const heartbeatMs = 500;
/** Virtual time that a run has, once its faults are over, to get on and to end. */
const calmMs = 120_000;
const mostEvents = 2_000_000;

export interface SimulationOptions {
  readonly bug?: PlantedBug;
  readonly keepLog?: boolean;
  /** In place of time that passes from event to event, and of draws. */
  readonly clock?: VirtualClock;
  readonly random?: (stream: string) => Random;
  readonly onWorld?: (launcher: Launcher) => void;
  readonly onSent?: (outgoing: Outgoing) => void;
  /** The clock says when it is over, and not the coordinator. */
  readonly goesOn?: boolean;
  /** The run is not wanted any further. */
  readonly isCut?: () => boolean;
}

/** Runs a schedule against the undisturbed run of its job, and stops at the first thing that must not happen. */
export async function simulate(
  schedule: Schedule,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const { job, steps, compression } = schedule;
  const spec = tinySpec(job, steps, compression);
  const isFree = isOrdered(spec) || !keepsBits(spec);
  return run(schedule, isFree ? undefined : await referenceOf(job, steps, compression), options);
}

const references = new Map<string, Promise<Reference>>();

/** The undisturbed run: one worker, two shards, nothing goes wrong. Made once per job, number of steps and compression. */
export function referenceOf(job: JobName, steps: number, compression?: CompressionName): Promise<Reference> {
  const name = `${job} ${steps} ${compression}`;
  let known = references.get(name);
  if (!known) {
    known = record(job, steps, compression);
    references.set(name, known);
    // Each holds all versions of its run.
    if (references.size > 128) references.delete([...references.keys()][0] as string);
  }
  return known;
}

async function record(
  job: JobName,
  steps: number,
  compression: CompressionName | undefined,
): Promise<Reference> {
  const schedule: Schedule = { seed: 0, job, steps, workers: 1, shards: 2, codec: false, faults: [] };
  const spec = tinySpec(job, steps, compression);
  const recorder = createReferenceRecorder(
    spec,
    createLayout(spec.groups).groups.map(({ numbers }) => numbers),
  );
  const watch: Watch = {
    ...silentWatch,
    sent: recorder.sent,
    violated(invariant, text) {
      throw new Error(`the undisturbed run of ${job} breaks ${invariant}: ${text}`);
    },
  };
  const { launcher, clock } = createWorld(schedule, { ...spec, checkpointEverySteps: 1 }, () => watch, {});
  launcher.launch();
  const how = await clock.run(() => launcher.finished !== undefined, 3_600_000);
  launcher.end();
  if (how !== "done")
    throw new Error(`the undisturbed run of ${job} does not end: ${how} at ${clock.nowMs()} ms`);
  return recorder.finished(launcher.finished?.hash ?? "");
}

async function run(
  schedule: Schedule,
  reference: Reference | undefined,
  options: SimulationOptions,
): Promise<SimulationResult> {
  const spec = tinySpec(schedule.job, schedule.steps, schedule.compression);
  const { isCut } = options;
  const violations: Violation[] = [];
  let events = 0;
  const { launcher, clock, striker, world, trace } = createWorld(
    schedule,
    spec,
    (inner) =>
      createChecker({
        spec,
        shards: schedule.shards,
        reference,
        nowMs: () => inner.clock.nowMs(),
        buffered: () => inner.network.mostBufferedBytes,
        onViolation: (violation) => violations.push(violation),
        onCommit: (step) => inner.striker.committed(step),
      }),
    options,
  );
  options.onWorld?.(launcher);
  striker.begin();
  launcher.launch();
  let lastCommits = 0;
  let lastProgressMs = 0;
  const checker = world.watch as ReturnType<typeof createChecker>;
  const how = await clock.run(() => {
    events += 1;
    striker.passed(events);
    if (
      violations.length > 0 ||
      (launcher.finished && options.goesOn !== true) ||
      events > mostEvents ||
      isCut?.() === true
    )
      return true;
    if (checker.commits !== lastCommits) {
      lastCommits = checker.commits;
      lastProgressMs = clock.nowMs();
    }
    return clock.nowMs() > Math.max(striker.calmAfterMs, lastProgressMs) + calmMs;
  }, 100 * 3_600_000);
  if (violations.length === 0 && isCut?.() !== true) {
    if (!launcher.finished)
      violations.push({
        invariant: "progress",
        text: `the run does not end (${how} at ${Math.round(clock.nowMs())} ms, ${checker.commits} commits, last at ${Math.round(lastProgressMs)} ms)`,
      });
    else checker.ended(launcher.finished.hash, ledgerState(readLedger(world.disk)).commits);
  }
  if (violations.length === 0 && !reference && keepsBits(spec)) {
    const { commits, versions } = ledgerState(readLedger(world.disk));
    const hash = launcher.finished?.hash ?? null;
    const fault = await replayLedger(spec, schedule.shards, commits, versions, hash);
    if (fault !== undefined) violations.push({ invariant: "bits", text: fault });
  }
  launcher.end();
  return {
    violations,
    commits: checker.commits,
    order: checker.order,
    faults: striker.struck,
    events,
    virtualMs: clock.nowMs(),
    trace: trace.digest(),
    log: trace.lines(),
  };
}

interface Inner {
  readonly clock: ReturnType<typeof createVirtualClock>;
  readonly network: ReturnType<typeof createNetwork>;
  readonly striker: ReturnType<typeof createStriker>;
}

function createWorld(
  schedule: Schedule,
  spec: ReturnType<typeof tinySpec>,
  watchOf: (inner: Inner) => Watch,
  options: SimulationOptions,
) {
  const clock = options.clock ?? createVirtualClock(untilPromisesRest);
  const random = options.random ?? ((stream) => createRandom(schedule.seed, stream));
  const bug = options.bug ?? {};
  const disk = createDisk();
  const trace = createTrace(clock, options.keepLog === true);
  const network = createNetwork({
    clock,
    random,
    heartbeatMs,
    codec: schedule.codec,
    onArrive: bug.onArrive,
    onSend(outgoing) {
      striker.sending(outgoing);
      if (!outgoing.isAlive()) return [];
      const { onSend, onReceive } = bug;
      const sent = onSend ? onSend(outgoing).map((one) => ({ ...outgoing, ...one })) : [outgoing];
      for (const one of sent) {
        options.onSent?.(one);
        trace.sent(one);
        watch.sent(one);
      }
      return onReceive ? sent.flatMap(onReceive) : sent;
    },
  });
  const world: World = {
    ...{ schedule, spec, clock, network, disk, bug },
    specText: JSON.stringify(spec),
    layout: createLayout(spec.groups),
    vaults: createHostMemory(),
    get watch() {
      return watch;
    },
    diskExtraMs: 0,
    wallJumpMs: 0,
    random,
    powerCut() {
      disk.powerCut(createRandom(schedule.seed, `power cut at ${clock.nowMs()}`));
      watch.powerCut();
    },
    moment: (process, moment, step) => {
      if (process.state === "dead") return;
      trace.passed(process.name, moment, step);
      watch.passed(process.name, moment, step);
      striker.passing(process, moment, step);
    },
  };
  const striker = createStriker(world, (): Launcher => launcher);
  const launcher = createLauncher(world, { excused: () => striker.isDamaged });
  const watch = watchOf({ clock, network, striker });
  return { world, clock, striker, launcher, trace };
}

const silentWatch: Watch = {
  launched: () => undefined,
  sent: () => undefined,
  passed: () => undefined,
  closed: () => undefined,
  computing: () => undefined,
  recorded: () => undefined,
  timeline: () => undefined,
  durable: () => undefined,
  reopened: () => undefined,
  damaged: () => undefined,
  powerCut: () => undefined,
  held: () => undefined,
  violated: () => undefined,
};
