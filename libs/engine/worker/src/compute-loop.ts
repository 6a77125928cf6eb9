import { type Arithmetic, philox4x32, randomKey } from "@latentweave/arithmetic";
import { lastStep } from "@latentweave/plan";
import type {
  Channel,
  Clock,
  Lease,
  MessageOf,
  Probe,
  SpanRecorder,
  WorkerMoment,
} from "@latentweave/protocol";
import type { PreparedRun } from "./prepare-run.ts";
import { noteMicroBatch } from "./note-micro-batch.ts";
import type { MicroBatchRows } from "./row-source.ts";
import { isSameMoment, type Moment, type ShardLinks } from "./shard-links.ts";
import {
  openStepWork,
  type PushTarget,
  type StepReport,
  type StepWork,
  type Todo,
  withdrawal,
} from "./step-work.ts";

type Read = Promise<MicroBatchRows>;

/** What a worker may compute: told by the coordinator, and again whenever it changes. */
export interface Assigned {
  readonly quorumId: number;
  readonly leases: readonly Lease[];
  readonly audits: readonly {
    readonly workerId: string;
    readonly share: number;
    readonly leases: readonly Lease[];
  }[];
}

/** Another worker's slots, computed apart from one's own so that the same nodes of the tree come of them. */
interface Audit {
  readonly work: StepWork;
  readonly leases: readonly Lease[];
}

/** Slots of one step that somebody else is late with. */
export interface Help extends Moment {
  readonly leases: readonly Lease[];
}

/**
 * Shards agree within a few milliseconds of each other. When they still differ after this long, one of them has been
 * started again and needs a step that the others have left behind.
 */
const disagreementMs = 100;

/**
 * Computes what is leased, micro-batch after micro-batch, and sleeps while there is nothing to do.
 *
 * Invariant 3 of the worker: one computation at a time, in the order of the plan; data for the next is read meanwhile.
 */
export interface ComputeLoop {
  /** Until `stop`, or until `isLeaving` says so between two micro-batches. */
  run(): Promise<void>;
  /** Something has changed: look again. */
  wake(): void;
  stop(): void;
  /** A shard, or any of them, may have lost what it was sent; everything held goes out to it again. */
  resend(shard?: number): void;
  /** A shard wants some of what it was offered. */
  answer(shard: number, channel: Channel, ask: MessageOf<"ask">): void;
}

export function createComputeLoop(options: {
  readonly runId: string;
  readonly prepared: PreparedRun;
  readonly links: () => ShardLinks | undefined;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly beforeMicroBatch: (() => Promise<void>) | undefined;
  readonly probe: Probe<WorkerMoment> | undefined;
  readonly spans?: SpanRecorder;
  readonly assigned: () => Assigned | undefined;
  readonly help: () => Help | undefined;
  readonly isLeaving: () => boolean;
  readonly onStepDone: (report: StepReport) => void;
}): ComputeLoop {
  const { runId, prepared, arithmetic, clock, probe } = options;
  const { source, program } = prepared;
  const last = lastStep(prepared.spec);
  let work: StepWork | undefined;
  let audit: Audit | undefined;
  let over = false;
  let wake: () => void = () => undefined;

  let cancelGoBack: (() => void) | undefined;

  const now = (): Moment | undefined => {
    const assigned = options.assigned();
    const moment = assigned && options.links()?.agreed(assigned.quorumId);
    // The final weights may be told too; nothing is computed on them.
    return moment && moment.step <= last ? moment : undefined;
  };
  const isAt = (step: StepWork, moment: Moment | undefined): boolean =>
    moment !== undefined && isSameMoment(momentOf(step), moment);
  const momentOf = (step: StepWork): Moment => ({
    timeline: step.timeline,
    step: step.plan.step,
    basis: step.basis,
  });

  /** Slots are computed for whom the coordinator has given them to, or in place of somebody who is late. */
  const leasesFor = (step: StepWork): readonly Lease[] => {
    const help = options.help();
    const leases = options.assigned()?.leases ?? [];
    return help && isAt(step, help) ? [...leases, ...help.leases] : leases;
  };

  /** Drawn by key, so that whoever replays the step audits the same. */
  const openAudit = (at: Moment): Audit | undefined => {
    const { seed } = prepared.spec;
    const leases = (options.assigned()?.audits ?? [])
      .filter(({ workerId, share }) => drawOf(seed, workerId, at.step) < share)
      .flatMap((one) => one.leases);
    return leases.length === 0 ? undefined : { work: openStepWork(prepared, arithmetic, at), leases };
  };

  const choice = prepared.residuals?.choice;
  const timeSent: PushTarget["onSent"] = (shard, channel, bytes) => {
    const startedMs = clock.nowMs();
    void channel.drained().then(() => choice?.sent(String(shard), bytes, clock.nowMs() - startedMs));
  };
  /** What this step was sent with, and whether the next one is sent otherwise. */
  const chooseNext = (report: StepReport): Pick<StepReport, "codec" | "chosen"> => {
    if (!choice) return {};
    const codec = choice.codec.kind;
    const numbers = prepared.layout.groups.reduce((sum, group) => sum + group.numbers, 0);
    const chosen = choice.step(numbers, report.timings.compute ?? 0);
    return { codec, ...(chosen !== undefined && { chosen }) };
  };

  const isOpen = (step: StepWork): boolean => step === work || step === audit?.work;

  const target = (step: StepWork): PushTarget => {
    const quorumId = options.assigned()?.quorumId ?? 0;
    return {
      ...{ runId, quorumId },
      shards: options.links()?.at(momentOf(step), quorumId) ?? [],
      onSent: choice && timeSent,
      onBetween: probe && (() => probe("mid-push", step.plan.step)),
    };
  };

  /** Everything held and not yet sent, whatever the lease: after a change of lease, or when the step's work is done. */
  const flush = (): void => work?.push(target(work));

  const stepDone = (done: StepWork): void => {
    const report = done.takeReport();
    flush();
    if (report) options.onStepDone({ ...report, ...chooseNext(report) });
  };

  /**
   * Work that nobody waits for any more is reported all the same: it tells how slow this worker is, which would be given
   * as much the next time, and it is how one who was late answers again.
   */
  const cameTooLate = (step: StepWork, compute: number, samples: number): void => {
    if (step !== audit?.work)
      options.onStepDone({
        ...{ step: step.plan.step, timings: { compute }, microBatches: samples === 0 ? 0 : 1, samples },
      });
  };

  /**
   * A shard that was started again may lack what this worker would have to compute on weights that it has no more, or
   * never had.
   */
  const watchDisagreement = (): void => {
    cancelGoBack ??= clock.after(disagreementMs, () => {
      cancelGoBack = undefined;
      const behind = now() ? undefined : options.links()?.behind();
      if (!behind) return;
      const isOpen = work && isAt(work, behind);
      const left: readonly unknown[] =
        (isOpen ? work?.todo(leasesFor(work)) : options.assigned()?.leases) ?? [];
      if (left.length > 0) options.links()?.goBackTo(behind);
    });
  };

  const startRead = (step: StepWork, { round, task, slot }: Todo): Read => {
    const rows = source.read(step.plan, round, task, slot);
    // Awaited later; a failure meanwhile must not count as unhandled.
    rows.catch(() => undefined);
    return rows;
  };

  let ahead: { readonly of: Todo; readonly rows: Read } | undefined;
  /** The next step, as long as nothing goes back: prepared while its weights are being made. */
  let expected: StepWork | undefined;

  /** What will be computed next is known before its weights are: its rows are read while there is nothing else to do. */
  const expectAfter = ({ timeline, step, basis, deal }: Moment): void => {
    if (basis !== undefined || step >= last || expected) return;
    // After an evaluation it may be other rows.
    if (deal && work?.plan.rounds.some((round) => round.program === "evaluate")) return;
    expected = openStepWork(prepared, arithmetic, { timeline, step: step + 1, deal });
    const [next] = expected.todo(options.assigned()?.leases ?? []);
    ahead = next && { of: next, rows: startRead(expected, next) };
  };

  const open = (at: Moment): StepWork => {
    const opened = expected && isAt(expected, at) ? expected : openStepWork(prepared, arithmetic, at);
    expected = undefined;
    return opened;
  };

  const computeOne = async (
    step: StepWork,
    leases: readonly Lease[],
    next: Todo,
    after: Todo | undefined,
  ): Promise<void> => {
    const pausedMs = clock.nowMs();
    await options.beforeMicroBatch?.();
    // What makes a machine slow, if only for trial, is its speed.
    step.addTime("compute", clock.nowMs() - pausedMs);
    probe?.("before-compute", step.plan.step);
    const sameRead = ahead?.of.partials === next.partials && ahead.of.slot === next.slot;
    const startedMs = clock.nowMs();
    const rows = await (sameRead && ahead ? ahead.rows : startRead(step, next));
    const readMs = clock.nowMs();
    ahead = after && { of: after, rows: startRead(step, after) };
    // Weights of another step may have come while the rows were read.
    if (!isOpen(step) || !isAt(step, now())) return cameTooLate(step, 0, 0);
    const mapped = options.links()?.mapped === true && { mapped: step.timeline };
    const place = { plan: step.plan, ...next, ...mapped };
    const result = await program.run(place, rows, async () => {
      await options.beforeMicroBatch?.();
      return isOpen(step) && isAt(step, now()) && !options.isLeaving();
    });
    const computedMs = clock.nowMs();
    step.addTime("data", readMs - startedMs);
    step.addTime("compute", computedMs - readMs);
    const marks = { pausedMs, startedMs, readMs, computedMs, readBackMs: result?.readBackMs };
    noteMicroBatch(options.spans, step.timeline, step.plan.step, marks);
    // A step that ended meanwhile (another worker was faster) has released its reducers: the result is not needed.
    if (!result || result.overwritten === true || !isOpen(step) || !isAt(step, now()))
      return cameTooLate(step, computedMs - pausedMs, result?.samples ?? 0);
    step.add(next, result, result.samples);
    const addedMs = clock.nowMs();
    step.addTime("reduce", addedMs - computedMs);
    probe?.("before-push", step.plan.step);
    let pushedMs = addedMs;
    // What a shard in this process does with its part is that shard's time.
    const to = { ...target(step), onLeft: () => void (pushedMs = clock.nowMs()) };
    step.push(to, step === work ? leasesFor(step) : leases, next.partials);
    step.addTime("push", pushedMs - addedMs);
    options.spans?.add("reduce", step.timeline, step.plan.step, computedMs, addedMs);
    options.spans?.add("push", step.timeline, step.plan.step, addedMs, pushedMs);
  };

  return {
    async run() {
      let idleSinceMs = clock.nowMs();
      while (!over) {
        const at = now();
        if (at && !(work && isAt(work, at))) {
          const unfinished = work?.takeReport();
          if (unfinished) options.onStepDone(unfinished);
          work?.release();
          audit?.work.release();
          audit = openAudit(at);
          work = open(at);
          work.addTime("wait", clock.nowMs() - idleSinceMs);
          work.prefetch(source, options.assigned()?.leases ?? []);
        }
        if (options.isLeaving()) return;
        // First, for once one's own are there the step may be over.
        const [audited] = audit && at ? audit.work.todo(audit.leases) : [];
        if (audited && audit) {
          await computeOne(audit.work, audit.leases, audited, undefined);
          continue;
        }
        const [next, after] = work ? work.todo(leasesFor(work)) : [];
        if (next && work && at) {
          await computeOne(work, leasesFor(work), next, after);
          continue;
        }
        if (!at) watchDisagreement();
        if (work && at) {
          stepDone(work);
          expectAfter(at);
        } else flush();
        idleSinceMs = clock.nowMs();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    wake: () => wake(),
    stop() {
      over = true;
      cancelGoBack?.();
      wake();
    },
    answer(shard, channel, ask) {
      const startedMs = clock.nowMs();
      const quorumId = options.assigned()?.quorumId ?? 0;
      const asked: Moment = { timeline: ask.timeline, step: ask.step };
      const to = { runId, quorumId, onSent: choice && timeSent };
      const step = [work, audit?.work].find(
        (one) => one !== undefined && isAt(one, asked) && one.answer(to, [shard, channel], ask),
      );
      step?.addTime("push", clock.nowMs() - startedMs);
      if (!step) channel.send(withdrawal(quorumId, ask));
    },
    resend(shard) {
      work?.forgetSent(shard);
      flush();
    },
  };
}

/** Uniform in [0, 1). */
function drawOf(seed: number, workerId: string, step: number): number {
  const [word] = philox4x32([step, 0, 0, 0], randomKey(seed, "audit", workerId));
  return word / 0x1_0000_0000;
}
