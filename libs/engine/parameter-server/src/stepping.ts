import { cosineOf, isMeasured, noAgreement } from "@latentweave/aggregation";
import { evaluatedLosses, heldOutLoss, keepsBits, lastStep } from "@latentweave/plan";
import { maxSlices, type MessageOf, ProtocolError } from "@latentweave/protocol";
import { applyUpdate } from "./apply-update.ts";
import { createCombineRule } from "./combine-rule.ts";
import type { Received } from "./leader.ts";
import { createLeaderWords } from "./leader-words.ts";
import { createLateness } from "./lateness.ts";
import type { BlockProducts } from "./products.ts";
import { oddTasks, openStep, receivedOf, type StepInProgress } from "./step-in-progress.ts";
import { stepProducts } from "./step-products.ts";
import {
  abandonMessage,
  commitRecord,
  decideMessage,
  guardRecord,
  lossesOf,
  taskNodes,
} from "./step-messages.ts";
import type { Stepping, SteppingOptions } from "./stepping-options.ts";
import { updates } from "./training.ts";
import { createWitnesses } from "./witnesses.ts";

/** Of a contribution. */
const all = { from: 0, to: maxSlices };

export function createStepping(options: SteppingOptions): Stepping {
  const { runId, training, clock, leads, probe, spans } = options;
  const { arithmetic, spec, state, publication, rule } = training;
  const scratch = arithmetic.allocate(65_536);
  const words = createLeaderWords(state, options.onDecided);
  const { unrecorded } = words;
  const witnesses = createWitnesses();
  /** Two workers that compute right send the same bits. */
  const comparable = keepsBits(spec);
  const lateness = createLateness({
    clock,
    onLate() {
      const missing = current?.reduction.missing() ?? [];
      if (!current || missing.length === 0) return;
      current.offers?.hurry();
      options.onLate(current.plan.step, missing);
    },
  });
  let combine = createCombineRule(spec, arithmetic);
  let timeline = 0;
  let current: StepInProgress | undefined;
  /** Decisions in order, of which the first is about the step in progress (invariant 5). */
  let waiting: MessageOf<"decide">[] = [];
  /** Leader whose memory outlived its process: reports on the step after the one whose decision waits. */
  let early: Parameters<Stepping["reduced"]>[] = [];
  let stopReason: string | undefined;
  let over = false;
  let dropped = 0;
  /** The newest version that was sent to be checkpointed, or that a checkpoint gave. */
  let checkpointed: number | undefined;

  const open = (step: number): void => {
    current = openStep(options, combine, timeline, step);
    lateness.opened(current.plan);
    options.onWorkersWait?.(false);
    const reports = early;
    early = [];
    for (const [message, products] of reports) takeReport(message, products);
    goOn();
  };

  /** Whatever can happen next with the step in progress happens. */
  const goOn = (): void => {
    reportIfReduced();
    if (waiting.length > 0) applyWaiting();
    else decideIfComplete();
  };

  /** When every gradient slice is here: products if asked for, and word to the leader. */
  const reportIfReduced = (): void => {
    const step = current;
    if (!step || step.reportedMs !== undefined || !updates(step.plan) || !step.reduction.gradientsComplete())
      return;
    step.reportedMs = clock.nowMs();
    options.onWorkersWait?.(true);
    report(step);
    spans?.add("combine", timeline, step.plan.step, step.reportedMs, clock.nowMs());
  };

  const report = (step: StepInProgress): void => {
    const odd = oddTasks(training, step.reduction);
    const products = stepProducts(training, combine, step.reduction, step.plan.step);
    const received = step.reduction.received();
    if (step.decision) step.decision.reduced(0, odd.length === 0, products, received, odd);
    else options.onReduced(step.plan, odd.length === 0, products, received, undefined, odd);
  };

  const takeReport = (message: MessageOf<"reduced">, products: readonly BlockProducts[]): void => {
    if (message.step === current?.plan.step)
      current.decision?.reduced(message.index, message.finite, products, message.received, message.odd);
  };

  const decideIfComplete = (): void => {
    const step = current;
    if (!step?.decision || step.unfit || unrecorded.full || !step.reduction.metricsComplete()) return;
    const { plan } = step;
    // A step that only evaluates needs no word of the followers, but its record needs theirs on its weights.
    if (!options.isSettled(plan.step)) return;
    const askedMs = clock.nowMs();
    const tasks = step.reduction.records();
    const evaluated = evaluatedLosses(spec, plan, tasks);
    const verdict = step.decision.verdict(lossesOf(spec, plan, tasks), step.borneOut, evaluated);
    if (verdict.kind === "waiting") return;
    if (verdict.kind === "refused") {
      const { reason, pausable } = verdict;
      step.unfit = true;
      options.onUnfit({
        ...{ step: plan.step, reason, tasks: taskNodes(tasks, receivedOf(step)) },
        ...(pausable && { pausable: [...pausable] }),
      });
      return;
    }
    const warning = combine.warning?.();
    if (warning !== undefined) options.onWarning?.(warning);
    const decidedMs = clock.nowMs();
    const reportedMs = step.reportedMs ?? decidedMs;
    // Whoever goes back to a version does not make it again: its checkpoint must not be still to come.
    const cut = updates(plan) && !plan.last && !plan.checkpoint && options.isCutDue?.(plan.step + 1) === true;
    const loss = updates(plan) && combine.early ? heldOutLoss(spec, plan, tasks) : undefined;
    const ends = loss !== undefined && combine.early?.note(loss) === true && !plan.last;
    const decide = {
      ...decideMessage(runId, timeline, plan, verdict),
      ...(ends && { last: true, checkpoint: true }),
      ...(cut && !ends && { cut }),
    };
    const record = commitRecord({
      ...{ runId, timeline, plan, tasks, ends },
      received: receivedOf(step),
      learningRate: updates(plan) ? rule.recordedRateAt(plan) : 0,
      gradientNorm: verdict.gradientNorm,
      ...(verdict.gradients && { gradients: verdict.gradients }),
      ...(verdict.paused && { paused: [...verdict.paused] }),
      ...(verdict.guard && { guard: guardRecord(spec, verdict.guard) }),
      ...(verdict.deal && { deal: verdict.deal }),
      duplicates: step.reduction.duplicates() + dropped,
      timings: { gather: reportedMs - step.startedMs, decide: decidedMs - reportedMs },
      digest: options.digestOf(plan.step),
      ...(plan.checkpoint || plan.last || ends ? { combiner: combine.state() } : {}),
    });
    dropped = 0;
    unrecorded.add(record);
    // Invariant 3.
    words.keep(timeline, decide, combine.state());
    probe?.("before-commit", plan.step);
    words.tell(decide);
    // The record goes out before the weights do: whoever sees version n+1 can rely on the commit having been told.
    options.onCommitted(record);
    probe?.("after-commit", plan.step);
    spans?.add("combine", timeline, plan.step, askedMs, decidedMs);
    spans?.add("commit", timeline, plan.step, decidedMs, clock.nowMs());
    apply(decide);
  };

  /** What somebody else has sent before, or had sent when the step was in progress. */
  const compare = (
    message: MessageOf<"push">,
    digestOf: () => string,
    workerId: string,
    received: Received | undefined,
  ): void => {
    if (!comparable) return;
    const { step, round, task, node, parts } = message;
    for (const [level, index, who, digest] of parts ?? [
      [node.level, node.index, workerId, digestOf()] as const,
    ]) {
      const testimony = { step, round, task, node: { level, index }, workerId: who, digest };
      const suspicion = witnesses.compare(testimony, received);
      if (suspicion) options.onSuspicion(suspicion);
    }
  };

  /** Invariants 2 and 5. */
  const applyWaiting = (): void => {
    const [decide] = waiting;
    if (!current || !decide || decide.step !== current.plan.step) return;
    const complete = decide.abandon || !updates(current.plan) || current.reduction.gradientsComplete();
    if (!complete) return;
    waiting = waiting.slice(1);
    apply(decide);
  };

  const apply = (decide: MessageOf<"decide">): void => {
    if (decide.abandon) {
      stopHere(decide);
      return;
    }
    const { plan, reduction } = current as StepInProgress;
    const startedMs = clock.nowMs();
    const agreement = training.rounder && isMeasured(plan.step) ? noAgreement() : undefined;
    const changed = updates(plan)
      ? applyUpdate({
          ...training,
          agreement,
          plan,
          reduction,
          decision: {
            weights: decide.weights,
            scale: decide.scale,
            learningRate: rule.rateAt(plan),
            leftOut: decide.paused ?? [],
            slots: decide.slots,
          },
          scratch,
        })
      : [];
    witnesses.keep(plan.step, reduction.received());
    reduction.release();
    current = undefined;
    lateness.closed(plan);
    over = decide.last;
    if (over) options.onWorkersWait?.(true);
    const appliedMs = clock.nowMs();
    spans?.add("update", timeline, decide.step, startedMs, appliedMs);
    probe?.("before-publish", plan.step);
    if (updates(plan)) {
      publication.advance(changed);
      options.onPublish();
    }
    const timings = { update: appliedMs - startedMs, publish: clock.nowMs() - appliedMs };
    options.onApplied(decide.step, timings, agreement && cosineOf(agreement));
    if (decide.checkpoint) checkpoint();
    if (decide.cut === true) options.onCut?.(combine.state());
    if (over) return;
    open(decide.step + 1);
    if (stopReason !== undefined && waiting.length === 0) stopNow(stopReason);
  };

  const checkpoint = (): void => {
    checkpointed = state.version;
    options.onCheckpoint();
  };

  const stopHere = (decide: MessageOf<"decide">): void => {
    current?.reduction.release();
    current = undefined;
    lateness.closed(undefined);
    over = true;
    options.onWorkersWait?.(true);
    if (decide.checkpoint) checkpoint();
  };

  const stopNow = (reason: string): void => {
    stopReason = undefined;
    const step = current?.plan.step ?? state.version;
    const decide = abandonMessage(runId, timeline, step, checkpointed !== state.version);
    words.tell(decide);
    options.onStopped({
      version: state.version,
      reason,
      ...(decide.checkpoint ? { combiner: combine.state() } : {}),
    });
    stopHere(decide);
  };

  /** The leader's memory outlived its process: what it had decided last, whoever has heard of it, stands. */
  const takeUp = (): void => {
    const { decide, combiner } = words.takeUp(timeline);
    combine = createCombineRule(spec, arithmetic, combiner);
    if (decide && decide.step >= state.version) waiting = [decide];
  };

  const cease = (): void => {
    current?.reduction.release();
    current = undefined;
    lateness.closed(undefined);
    waiting = [];
    words.forget();
    early = [];
    stopReason = undefined;
  };

  return {
    cease,
    begin({ timeline: next, from, combiner }) {
      cease();
      timeline = next;
      unrecorded.clear();
      witnesses.startOver();
      checkpointed = from === "checkpoint" ? state.version : undefined;
      if (from === "held") takeUp();
      else combine = createCombineRule(spec, arithmetic, combiner);
      publication.begin();
      options.onPublish();
      over = state.version > lastStep(spec) || (combine.early?.ended === true && waiting.length === 0);
      if (!over) open(state.version);
    },
    push(message, bytes, workerId, from) {
      const isPast = message.step < (current?.plan.step ?? state.version);
      const fenced = from?.fenced === true;
      if (!current || fenced || message.timeline !== timeline || isPast) {
        dropped += 1;
        if (from && current?.plan.step === message.step) current.offers?.refused(message, from.channel);
        // Of a step that is over nothing is asked for in portions.
        const isWhole = message.portion === undefined;
        if (!fenced && message.timeline === timeline && isPast && isWhole)
          compare(message, () => arithmetic.digest(...bytes), workerId, undefined);
        return;
      }
      if (message.step > current.plan.step)
        throw new ProtocolError(
          `push for step ${message.step} while step ${current.plan.step} is in progress`,
        );
      if (message.parts && message.payloads.length === 0) {
        dropped += 1;
        compare(message, () => "", workerId, current.reduction.received());
        return;
      }
      if (current.reduction.isEmpty()) probe?.("before-reduce", message.step);
      const takenMs = clock.nowMs();
      const arrival = current.reduction.accept(message, bytes, workerId);
      spans?.add("reduce", timeline, message.step, takenMs, clock.nowMs(), workerId);
      if (arrival.kind === "known")
        compare(message, () => arrival.digest, workerId, current.reduction.received());
      if (from) current.offers?.came(message, from.channel);
      goOn();
    },
    offered(message, { channel, fenced }) {
      const { step, round, task, node } = message;
      if (!current || fenced || message.timeline !== timeline) return;
      if (step > current.plan.step)
        throw new ProtocolError(`offer for step ${step} while step ${current.plan.step} is in progress`);
      if (step === current.plan.step) current.offers?.offered(message, channel);
      // An audit may be answered late, and is compared.
      else if (!message.withdrawn)
        channel.send({ type: "ask", runId, timeline, step, round, task, node, ...all });
    },
    left: (channel) => current?.offers?.left(channel),
    reduced(message, products) {
      // On its way while the leader stopped, began anew, or was started again.
      if (!current?.decision || message.timeline !== timeline || message.step < current.plan.step) return;
      const ahead = message.step - current.plan.step;
      if (ahead > (waiting.length > 0 ? 1 : 0))
        throw new ProtocolError(
          `report on step ${message.step} while step ${current.plan.step} is in progress`,
        );
      if (ahead === 1) early.push([message, products]);
      else takeReport(message, products);
      goOn();
    },
    acknowledged(of, step) {
      if (of !== timeline) return;
      unrecorded.acknowledged(step);
      goOn();
    },
    settled: goOn,
    tellRecords() {
      for (const record of unrecorded.records) options.onCommitted(record);
      if (!current?.unfit) return;
      // Another coordinator may be there, which has not been told.
      current.unfit = false;
      goOn();
    },
    bearOut(of, step) {
      if (of !== timeline || current?.plan.step !== step || !current.unfit) return;
      current.unfit = false;
      current.borneOut = true;
      goOn();
    },
    decisionsSince: words.since,
    reportAgain() {
      if (current?.reportedMs !== undefined) report(current);
    },
    stop(reason) {
      if (over) return;
      if (waiting.length > 0) stopReason = reason;
      else stopNow(reason);
    },
    decided(decide) {
      if (decide.timeline !== timeline || !current || decide.step < current.plan.step) return;
      if (waiting.some(({ step, abandon }) => step === decide.step && abandon === decide.abandon)) return;
      // The leader's newest word may come before the one that a follower missed.
      waiting = [...waiting, decide].sort((a, b) => a.step - b.step || Number(a.abandon) - Number(b.abandon));
      goOn();
    },
    get recordsFrom() {
      return unrecorded.records[0]?.step ?? state.version;
    },
    get over() {
      return over;
    },
    get combiner() {
      return combine.state();
    },
    deal: (step) => (leads ? combine.sampling?.at(step) : undefined),
  };
}
