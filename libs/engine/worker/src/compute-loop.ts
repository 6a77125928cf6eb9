import type { Arithmetic } from "@latentweave/arithmetic";
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
import { type Audit, type Audited, openAudit } from "./audit.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { noteMicroBatch } from "./note-micro-batch.ts";
import type { MicroBatchRows } from "./row-source.ts";
import { createRowsAhead } from "./rows-ahead.ts";
import { isSameMoment, type Moment, type ShardLinks } from "./shard-links.ts";
import { type StartedSlot, startSlot } from "./started-slot.ts";
import {
  openStepWork,
  type PushTarget,
  type StepReport,
  type StepWork,
  type Todo,
  withdrawal,
} from "./step-work.ts";

/** What a worker may compute: told by the coordinator, and again whenever it changes. */
export interface Assigned {
  readonly quorumId: number;
  readonly leases: readonly Lease[];
  readonly audits: readonly Audited[];
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
 * Invariant 3 of the worker: one computation at a time, in the order of the plan. Data for the next is read meanwhile,
 * and what came of the one before is added and sent.
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
  /** The next slot, which the device computes while the one before is added and sent. */
  let started: StartedSlot | undefined;

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

  const rows = createRowsAhead(source);
  /** The next step, as long as nothing goes back: prepared while its weights are being made. */
  let expected: StepWork | undefined;

  /** What will be computed next is known before its weights are: its rows are read while there is nothing else to do. */
  const expectAfter = ({ timeline, step, basis, deal }: Moment): void => {
    if (basis !== undefined || step >= last || expected) return;
    // After an evaluation it may be other rows.
    if (deal && work?.plan.rounds.some((round) => round.program === "evaluate")) return;
    expected = openStepWork(prepared, arithmetic, { timeline, step: step + 1, deal });
    const [next] = expected.todo(options.assigned()?.leases ?? []);
    rows.readAhead(expected, next);
  };

  const open = (at: Moment): StepWork => {
    const opened = expected && isAt(expected, at) ? expected : openStepWork(prepared, arithmetic, at);
    expected = undefined;
    return opened;
  };

  const isCurrent = (step: StepWork): boolean => isOpen(step) && isAt(step, now());

  const start = (step: StepWork, of: Todo, given: MicroBatchRows | Promise<MicroBatchRows>): StartedSlot =>
    startSlot(
      {
        ...{ clock, program, beforeMicroBatch: options.beforeMicroBatch, isLeaving: options.isLeaving },
        beforeCompute: probe && (() => probe("before-compute", step.plan.step)),
        mapped: () => (options.links()?.mapped === true ? { mapped: step.timeline } : {}),
        isCurrent: () => isCurrent(step),
      },
      step,
      of,
      given,
    );

  /** What comes after a slot that is still to be added. */
  const following = (step: StepWork, of: Todo): Todo | undefined =>
    isCurrent(step)
      ? step.todo(leasesFor(step)).find((todo) => todo?.partials !== of.partials || todo.slot !== of.slot)
      : undefined;

  /** With rows that are not there yet the device would wait for them, and what is to be sent meanwhile for nothing. */
  const startAfter = (step: StepWork, of: Todo): StartedSlot | undefined => {
    const next = options.isLeaving() ? undefined : following(step, of);
    const there = next && rows.there(next);
    return next && there && start(step, next, there);
  };

  /** @param leases of an audit; else they are the worker's own, as they are by then */
  const finish = async (slot: StartedSlot, leases?: readonly Lease[]): Promise<void> => {
    const { step, of } = slot;
    await slot.isRead;
    rows.readAhead(step, leases ? undefined : following(step, of));
    const end = await slot.end;
    const { pausedMs, startedMs, readMs, computedMs, wasLeft, result } = end;
    started = undefined;
    if (wasLeft) return cameTooLate(step, 0, 0);
    step.addTime("data", readMs - startedMs);
    // What makes a machine slow, if only for trial, is its speed.
    step.addTime("compute", computedMs - readMs + (startedMs - pausedMs));
    noteMicroBatch(options.spans, step.timeline, step.plan.step, end);
    // A step that ended meanwhile (another worker was faster) has released its reducers: the result is not needed.
    if (!result || result.overwritten === true || !isCurrent(step)) {
      if (result) program.reuse(result.gradients);
      return cameTooLate(step, computedMs - pausedMs, result?.samples ?? 0);
    }
    if (!leases) started = startAfter(step, of);
    const addedFromMs = clock.nowMs();
    step.add(of, result, result.samples);
    const addedMs = clock.nowMs();
    step.addTime("reduce", addedMs - addedFromMs);
    probe?.("before-push", step.plan.step);
    let pushedMs = addedMs;
    // What a shard in this process does with its part is that shard's time.
    const to = { ...target(step), onLeft: () => void (pushedMs = clock.nowMs()) };
    step.push(to, leases ?? leasesFor(step), of.partials);
    step.addTime("push", pushedMs - addedMs);
    options.spans?.add("reduce", step.timeline, step.plan.step, addedFromMs, addedMs);
    options.spans?.add("push", step.timeline, step.plan.step, addedMs, pushedMs);
  };

  return {
    async run() {
      let idleSinceMs = clock.nowMs();
      let isFresh = false;
      while (!over) {
        if (started) {
          await finish(started);
          continue;
        }
        const at = now();
        if (at && !(work && isAt(work, at))) {
          const unfinished = work?.takeReport();
          if (unfinished) options.onStepDone(unfinished);
          work?.release();
          audit?.work.release();
          audit = openAudit(prepared, arithmetic, options.assigned()?.audits ?? [], at);
          work = open(at);
          work.addTime("wait", clock.nowMs() - idleSinceMs);
          isFresh = true;
        }
        if (options.isLeaving()) return;
        // First, for once one's own are there the step may be over.
        const [audited] = audit && at ? audit.work.todo(audit.leases) : [];
        if (audited && audit) {
          await finish(start(audit.work, audited, rows.read(audit.work, audited)), audit.leases);
          continue;
        }
        const [next] = work ? work.todo(leasesFor(work)) : [];
        if (next && work && at) {
          const slot = start(work, next, rows.read(work, next));
          // Beside the device, which has begun.
          if (isFresh) work.prefetch(source, options.assigned()?.leases ?? []);
          isFresh = false;
          await finish(slot);
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
      await started?.end.catch(() => undefined);
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
