import { feedbackKernels, loadArithmetic } from "@latentweave/arithmetic";
import type { ComputeModel } from "@latentweave/model";
import { closeCodes, type CommitRecord, type MessageOf, type TaskRecord } from "@latentweave/protocol";
import { createLayout, ownership } from "@latentweave/parameters";
import { isOrdered, lastStep, planStep, type RunSpec, type StepPlan, totalSteps } from "@latentweave/plan";
import type { Outgoing } from "../world/connection.ts";
import { coverageFault } from "./coverage.ts";
import { checkLeases } from "./lease-check.ts";
import { checkOrder, type OrderTally } from "./order-check.ts";
import { checkProvenance } from "./provenance.ts";
import { type Reference, sameCommit } from "./reference.ts";
import { checkSettlement } from "./settlement-check.ts";
import type { Watch } from "./watch.ts";

/** The first thing that must not happen, and did. */
export interface Violation {
  readonly invariant: Invariant;
  readonly text: string;
}

/** Numbered as in docs/commit.md. */
export type Invariant =
  | "bits"
  | "order"
  | "one-commit"
  | "coverage"
  | "provenance"
  | "publish"
  | "settled"
  | "leases"
  | "durable"
  | "bounded"
  | "protocol"
  | "progress"
  | "failed"
  | "crash";

/** Commits that the leader makes before the oldest is acknowledged (docs/protocol.md), and the one in hand. */
const mostUnacknowledged = 65;
/** Weights and sums of a tiny job, many times over. */
const mostHeldBytes = 2 * 1024 * 1024;
/** Bytes that wait for one link: a step's pushes or broadcasts, several times over. */
const mostBufferedBytes = 512 * 1024;

const arithmetic = loadArithmetic();
const kernels = feedbackKernels(arithmetic);

const leaderAlone: readonly number[] = [0];

export interface Checker extends Watch {
  readonly commits: number;
  /** Modes with an order. */
  readonly order: OrderTally;
  /** The run has ended with this hash and this ledger. */
  ended(hash: string | null, ledger: readonly CommitRecord[]): void;
}

/** Holds a run against the undisturbed one, event by event; the invariants are those of docs/commit.md. */
export function createChecker(options: {
  readonly spec: RunSpec;
  readonly shards: number;
  /** Undefined: the mode has an order of its own, and what comes of it is computed again afterwards (replay-ledger.ts). */
  readonly reference: Reference | undefined;
  readonly nowMs: () => number;
  readonly buffered: () => number;
  readonly onViolation: (violation: Violation) => void;
  /** The leader decides a step for the first time. */
  readonly onCommit: (step: number) => void;
}): Checker {
  const { spec, reference } = options;
  const violated = (invariant: string, text: string): void =>
    options.onViolation({
      invariant: invariant as Invariant,
      text: `${text} (at ${options.nowMs().toFixed(1)} ms)`,
    });
  let commits = 0;
  /**
   * Of every timeline: the step that comes next, and what was told of the steps before. `told`: the version that they make.
   * `decided`: the version that the newest decision makes, as the leader passes it: no coordinator may be there to be told.
   */
  const timelines = new Map<
    number,
    {
      next: number;
      told: number;
      decided: number;
      readonly words: Map<number, MessageOf<"decide">>;
      readonly committed: Map<number, MessageOf<"committed">>;
      acknowledged: number;
    }
  >();
  let newestTimeline = -1;
  let durable = 0;
  /** Checkpoints that were damaged before anybody was told that they are there. */
  const damaged = new Set<number>();
  let acknowledged = { timeline: 0, step: -1 };
  let generation = 0;
  let nextRecorded = 0;
  let seen = -1;
  const leases = checkLeases(spec, options.nowMs, (text) => violated("leases", text));
  const provenance = checkProvenance((text) => violated("provenance", text));
  const settlement = checkSettlement(options.shards, violated);
  const graphs = new Map<string, readonly number[]>();
  const order = checkOrder(spec, violated);
  const has = isOrdered(spec);

  const timelineOf = (timeline: number) => {
    let known = timelines.get(timeline);
    if (!known) {
      known = { next: 0, told: 0, decided: 0, words: new Map(), committed: new Map(), acknowledged: -1 };
      timelines.set(timeline, known);
    }
    return known;
  };

  const compareSlice = (
    what: () => string,
    expected: Uint8Array | undefined,
    start: number,
    bytes: Uint8Array | undefined,
  ): void => {
    if (!bytes) violated("bits", `${what()} without its bytes`);
    else if (!expected) violated("bits", `${what()} of a version that the run does not have`);
    else if (!sameBytes(expected, start * 4, bytes))
      violated("bits", `${what()} differs from the undisturbed run's`);
  };

  /** What a published change makes of the undisturbed run's weights of the version before. */
  const changed = (
    { group, start, numbers, from }: MessageOf<"broadcast">["slices"][number],
    bytes: Uint8Array | undefined,
  ): Uint8Array | undefined => {
    const before = from === undefined ? undefined : reference?.parameters(from, group);
    const codec = spec.compression?.broadcast?.codec;
    const feedback = spec.compression?.broadcastFeedback;
    if (!before || !bytes) return undefined;
    const [params, change, encoded] = [numbers * 4, numbers * 4, bytes.length].map((size) =>
      arithmetic.allocate(size),
    ) as [number, number, number];
    arithmetic.u8(params, numbers * 4).set(before.subarray(start * 4, (start + numbers) * 4));
    arithmetic.u8(encoded, bytes.length).set(bytes);
    if (feedback) kernels.add(feedback, params, encoded, numbers);
    else if (codec) {
      arithmetic.decode(codec, change, encoded, numbers);
      arithmetic.add(params, params, change, numbers);
    }
    const after = arithmetic.u8(params, numbers * 4).slice();
    arithmetic.free(params, numbers * 4);
    arithmetic.free(change, numbers * 4);
    arithmetic.free(encoded, bytes.length);
    return after;
  };

  const takeBroadcast = (message: MessageOf<"broadcast">, { from, slices }: Outgoing): void => {
    const version = message.basis ?? message.step;
    const { told, decided } = timelineOf(message.timeline);
    if (version > Math.max(told, decided))
      violated("publish", `${from} publishes version ${version} before its commit`);
    if (!reference) return;
    for (const [place, slice] of message.slices.entries())
      compareSlice(
        () => `group ${slice.group} of version ${message.step} as ${from} publishes it`,
        reference.parameters(message.step, slice.group),
        slice.start,
        slice.from === undefined ? slices[place] : changed(slice, slices[place]),
      );
  };

  /** A step is decided once in a timeline; whoever hears it later hears the same. */
  const takeDecision = (message: MessageOf<"decide">): void => {
    const own = timelineOf(message.timeline);
    if (message.abandon) return;
    const { words } = own;
    const before = words.get(message.step);
    if (before !== undefined && before !== message && textOf(before) !== textOf(message))
      violated(
        "one-commit",
        `step ${message.step} of timeline ${message.timeline} is decided twice, differently`,
      );
    words.set(message.step, message);
    own.told = Math.max(own.told, Math.min(message.step + 1, totalSteps(spec)));
    if (!reference) return;
    const expected = reference.decision(message.step);
    const same =
      expected?.weights.every((weight, place) => Object.is(weight, message.weights[place])) === true &&
      Object.is(expected.scale, message.scale) &&
      expected.last === message.last;
    if (!same) violated("bits", `the decision on step ${message.step} is another than the undisturbed run's`);
  };

  const takeCommit = (message: MessageOf<"committed">): void => {
    const { step, timeline } = message;
    const own = timelineOf(timeline);
    const before = own.committed.get(step);
    if (before === undefined) {
      own.next = Math.max(own.next, step + 1);
      own.told = Math.max(own.told, message.version);
      own.committed.set(step, message);
      commits += 1;
      checkCommit(message);
      provenance.committed(message);
      const waiting = step - own.acknowledged;
      if (timeline >= newestTimeline && waiting > mostUnacknowledged)
        violated("bounded", `${waiting} commits are not acknowledged`);
      const buffered = options.buffered();
      if (buffered > mostBufferedBytes) violated("bounded", `${buffered} bytes wait for one link`);
    } else if (before !== message && textOf(before) !== textOf(message))
      violated("one-commit", `step ${step} of timeline ${timeline} is committed twice, differently`);
  };

  const checkCommit = (record: Parameters<typeof sameCommit>[0]): void => {
    const expected = reference?.commit(record.step);
    const difference = expected ? sameCommit(record, expected) : "no such step";
    if (reference && difference !== undefined)
      violated("bits", `commit of step ${record.step}: ${difference}`);
    if (has) order.look(record);
    const plan = has ? order.planOf(record) : (reference?.plan(record.step) ?? planStep(spec, record.step));
    for (const task of record.tasks) {
      const gap = coverageFault(task, ownersOf(task, plan));
      if (gap !== undefined) violated("coverage", `step ${record.step}, task ${task.task}: ${gap}`);
    }
  };

  const layout = createLayout(spec.groups);
  const owned = ownership(layout, options.shards);
  /** Shards whose part of a record must be there: those that own some of what the task uses, and the leader. */
  const ownersOf = ({ task, round }: TaskRecord, { phase, rounds }: StepPlan): readonly number[] => {
    if (rounds.find(({ index }) => index === round)?.program !== "gradient") return leaderAlone;
    const name = `${phase} ${task}`;
    let known = owners.get(name);
    if (!known) {
      const used = usedOf(phase, task);
      known = owned.flatMap((slices, index) =>
        index === 0 || slices.some(({ group }) => used.includes(group)) ? [index] : [],
      );
      owners.set(name, known);
    }
    return known;
  };
  const owners = new Map<string, readonly number[]>();
  const usedOf = (phase: number, task: string): readonly number[] => {
    const name = `${phase} ${task}`;
    let used = graphs.get(name);
    if (!used) graphs.set(name, (used = usedGroups(spec, phase, task)));
    return used;
  };

  const takeBegin = (message: MessageOf<"begin">, to: string): void => {
    if (message.timeline < newestTimeline)
      violated("one-commit", `${to} begins in timeline ${message.timeline}, after ${newestTimeline}`);
    newestTimeline = Math.max(newestTimeline, message.timeline);
    const own = timelineOf(message.timeline);
    if (message.from !== "held" && to === "shard-0") {
      // Where nobody holds anything of a timeline, and the ledger neither, it begins once more.
      own.decided = own.told = own.next = message.step;
      own.acknowledged = message.step - 1;
      own.committed.clear();
      own.words.clear();
    }
    settlement.begin(to, message);
  };

  return {
    get commits() {
      return commits;
    },
    order: order.tally,
    launched(next) {
      if (next <= generation)
        violated("leases", `a coordinator of generation ${next} follows one of ${generation}`);
      generation = next;
    },
    sent(outgoing) {
      const { message, slices, from, to } = outgoing;
      leases.look();
      switch (message.type) {
        case "broadcast":
          takeBroadcast(message, outgoing);
          // With an order, whoever attaches gets what is in hand; it computes when all shards have given it that.
          if (!has) settlement.broadcast(from, to, outgoing.connection, message);
          return;
        case "attach":
          settlement.attach(outgoing.connection);
          return;
        case "applied":
          settlement.applied(from, message);
          return;
        case "settled":
          settlement.settled(message);
          if (
            reference &&
            message.digest !== "" &&
            reference.digest(message.version) !== "" &&
            message.digest !== reference.digest(message.version)
          )
            violated(
              "bits",
              `the digest of version ${message.version} is another than the undisturbed run's`,
            );
          return;
        case "push":
          provenance.pushed(from, to, message, slices);
          return;
        case "decide":
          takeDecision(message);
          return;
        case "committed":
          takeCommit(message);
          return;
        case "committed-ack": {
          const own = timelineOf(message.timeline);
          own.acknowledged = Math.max(own.acknowledged, message.step);
          if (
            message.timeline > acknowledged.timeline ||
            (message.timeline === acknowledged.timeline && message.step > acknowledged.step)
          )
            acknowledged = { timeline: message.timeline, step: message.step };
          return;
        }
        case "begin":
          takeBegin(message, to);
          return;
        case "point-slice": {
          if (!reference) return;
          const { version, section, slice } = message;
          compareSlice(
            () => `${section} of group ${slice.group} in recovery point ${version}`,
            reference.section(version, section, slice.group),
            slice.start,
            slices[0],
          );
          return;
        }
        case "checkpoint-slice": {
          if (!reference) return;
          const { version, section, slice } = message;
          compareSlice(
            () => `${section} of group ${slice.group} in checkpoint ${version}`,
            reference.section(version, section, slice.group),
            slice.start,
            slices[0],
          );
          return;
        }
        case "members":
          leases.members(outgoing.connection, message);
          provenance.members(to, message);
          return;
        case "assignment":
          leases.assignment(to, message);
          return;
        default:
      }
    },
    passed(process, moment, step) {
      if (process !== "shard-0" || moment !== "before-commit") return;
      const own = timelineOf(newestTimeline);
      own.decided = Math.max(own.decided, Math.min(step + 1, totalSteps(spec)));
      if (step <= seen) return;
      seen = step;
      options.onCommit(step);
    },
    closed(from, to, code, reason) {
      if (code === closeCodes.protocolError) violated("protocol", `${from} closed on ${to}: ${reason}`);
    },
    computing(worker, batch, parameters) {
      if (!reference) return;
      // A replica that has taken a step has weights of its own.
      if (batch.round >= reference.plan(batch.step).rounds.length) return;
      for (const group of usedOf(batch.phase, batch.task)) {
        const held = parameters[group] as Float32Array;
        const expected = reference.parameters(batch.step, group);
        const bytes = new Uint8Array(held.buffer, held.byteOffset, held.byteLength);
        if (!expected || !sameBytes(expected, 0, bytes))
          violated("bits", `${worker} computes step ${batch.step} on other weights in group ${group}`);
      }
    },
    recorded(record) {
      if (record.step !== nextRecorded)
        violated("one-commit", `the ledger gets step ${record.step} where step ${nextRecorded} is due`);
      nextRecorded = record.step + 1;
      checkCommit(record);
      if (has) order.recorded(record);
    },
    timeline(record) {
      if (record.timeline <= acknowledged.timeline && acknowledged.step >= 0)
        violated("one-commit", `timeline ${record.timeline} follows ${acknowledged.timeline}`);
      acknowledged = { timeline: record.timeline, step: record.fromVersion - 1 };
      nextRecorded = record.fromVersion;
      order.cut(record.fromVersion);
    },
    durable(version) {
      // It was damaged when it was there under its name, and its writer had not heard so yet.
      if (damaged.delete(version)) return;
      durable = Math.max(durable, version);
    },
    reopened(version, end) {
      nextRecorded = end.nextStep;
      order.found(end.nextStep);
      if (version < durable)
        violated("durable", `version ${version} is found where ${durable} was said to be on the disk`);
      const { timeline, step } = acknowledged;
      if (end.timeline < timeline || (end.timeline === timeline && end.nextStep <= step))
        violated(
          "durable",
          `the ledger ends before step ${end.nextStep}, after step ${step} was acknowledged`,
        );
    },
    damaged(version) {
      if (version > durable) damaged.add(version);
      durable = 0;
    },
    powerCut() {
      // What was acknowledged was with the operating system; only what was synced is sure.
      acknowledged = { timeline: 0, step: -1 };
    },
    held(process, bytes) {
      if (bytes > mostHeldBytes) violated("bounded", `${process} holds ${bytes} bytes of weights and sums`);
    },
    ended(hash, ledger) {
      if (reference && hash !== reference.hash)
        violated("bits", `the run ends with hash ${hash}, not ${reference.hash}`);
      for (const [place, record] of ledger.entries()) {
        if (record.step !== place) {
          violated("one-commit", `the ledger has step ${record.step} in effect where step ${place} is due`);
          return;
        }
        checkCommit(record);
      }
      const steps = lastStep(spec) + 1;
      if (ledger.length !== steps)
        violated("one-commit", `${ledger.length} steps are in effect at the end, not ${steps}`);
    },
    violated,
  };
}

/** What must be the same when it is told again. */
function textOf(message: MessageOf<"decide"> | MessageOf<"committed">): string {
  return JSON.stringify({ ...message, runId: "", timings: {}, duplicates: 0 });
}

function usedGroups(spec: RunSpec, phase: number, task: string): number[] {
  const graphs: ComputeModel["phases"][number]["tasks"] = spec.phases[phase]?.graphs ?? [];
  const graph = graphs.find((one) => one.task === task);
  return (graph?.groups ?? []).map((name) => spec.groups.findIndex((group) => group.name === name));
}

function sameBytes(expected: Uint8Array, at: number, bytes: Uint8Array): boolean {
  if (at + bytes.length > expected.length) return false;
  for (let i = 0; i < bytes.length; i++) if (expected[at + i] !== bytes[i]) return false;
  return true;
}
