import { cosineOf, isMeasured, noAgreement } from "@latentweave/aggregation";
import { clipScale } from "@latentweave/optim";
import { lastStep, planApplied, rateShare, type StepPlan } from "@latentweave/plan";
import { type MessageOf, ProtocolError, type Work } from "@latentweave/protocol";
import { applyUpdate } from "../apply-update.ts";
import { type CombineRule, createCombineRule } from "../combine-rule.ts";
import { type Decision, encodeDecision, readDecision } from "../decision-text.ts";
import { createStepDecision } from "../leader.ts";
import type { BlockProducts } from "../products.ts";
import { recordsGradients } from "../recorded-gradients.ts";
import { oddTasks, receivedOf } from "../step-in-progress.ts";
import { stepProducts } from "../step-products.ts";
import { abandonMessage, commitRecord, decideMessage, lossesOf } from "../step-messages.ts";
import type { Stepping, SteppingOptions } from "../stepping-options.ts";
import { updates } from "../training.ts";
import { createUnrecorded } from "../unrecorded.ts";
import { type Attempt, createAttempts, type Report } from "./attempts.ts";
import { encodeRemembered, readRemembered } from "./applied-steps.ts";
import { type Board, createBoard, type InHand } from "./board.ts";

/** As long as a worker that has the gradients may need to connect again. */
const orphanedMs = 10_000;

export interface OrderedSteppingOptions extends SteppingOptions {
  /**
   * Everything in hand, for this shard's own workers; the leader tells its followers too. `opened`: of which nothing is
   * held here, whatever was sent before.
   */
  readonly onAssigned: (inHand: readonly InHand[], opened: readonly Work[]) => void;
  /** What the leader has decided and this shard cannot apply yet; undefined when it has. */
  readonly onOwed: (work: Work | undefined) => void;
  /** Gradients of a step that is decided are with nobody, as far as can be told. */
  readonly onOrphaned: (step: number) => void;
  /** Leader: a planned step that can never be applied. */
  readonly onHopeless: (reason: string) => void;
  /** Default: the leader's own policy. A replay brings the recorded order. */
  readonly board?: Board;
}

/** What only the modes with an order have. */
export interface OrderedPart {
  /** Follower: the leader's word on what is in hand. */
  assigned(message: MessageOf<"assign">): void;
  /** Leader: who computes together. */
  setTeams(teams: readonly (readonly string[])[]): void;
  /** Leader: somebody cannot be given the weights that this takes. */
  lacks(workerId: string, work: Work): void;
  /** Leader: for a follower that may have heard nothing; undefined before anything was handed out. */
  readonly inHand: readonly InHand[] | undefined;
  /** Something may have changed for the board. */
  goOn(): void;
}

export interface OrderedStepping extends Stepping {
  readonly order: OrderedPart;
}

/**
 * The steps of one shard in the modes `stale` and `async`: several planned steps are reduced side by side, and step n
 * applies one that is whole, in the order that the leader decides.
 *
 * Invariants (those of stepping.ts, but for):
 * 1. A contribution is of (timeline, planned step, version that it is computed on): what is not in hand is dropped and
 *    counted.
 * 2. A planned step is applied at most once: what is applied is in the leader's memory, in the very text that holds the
 *    decision, before anybody hears of it.
 * 3. Step n applies what was computed on a version not above n, and not below n by more than the bound.
 * 4. A decision that this shard cannot apply (its memory outlived its process, its gradients did not) waits until
 *    they have come again; where nobody has them any more, everybody goes back: weights of that version are no more.
 */
export function createOrderedStepping(options: OrderedSteppingOptions): OrderedStepping {
  const { runId, training, clock, leads, probe, spans } = options;
  const { arithmetic, spec, layout, state, publication, rule } = training;
  const scratch = arithmetic.allocate(65_536);
  const unrecorded = createUnrecorded();
  const attempts = createAttempts(training, leads);
  const board = options.board ?? createBoard(spec);
  let combine: CombineRule = createCombineRule(spec, arithmetic);
  let timeline = 0;
  let waiting: MessageOf<"decide">[] = [];
  let words: MessageOf<"decide">[] = [];
  let stopReason: string | undefined;
  let over = true;
  let dropped = 0;
  let checkpointed: number | undefined;
  let cancelLook: (() => void) | undefined;
  let cancelOrphan: (() => void) | undefined;
  /** Guards against itself: what is told to others may call back. */
  let going = false;
  let again = false;

  const remembered = (): string =>
    encodeRemembered({ applied: board.appliedSteps, combiner: combine.state() });

  const goOn = (): void => {
    again = true;
    if (going) return;
    going = true;
    try {
      while (again) {
        again = false;
        reportWhole();
        if (waiting.length > 0) applyWaiting();
        else if (leads) lead();
      }
    } finally {
      going = false;
    }
  };

  // --- every shard ----------------------------------------------------------------------------------------------------

  const reportWhole = (): void => {
    for (const attempt of attempts.all) {
      if (attempt.own || !updates(attempt.plan) || !attempt.reduction.gradientsComplete()) continue;
      const wholeMs = clock.nowMs();
      attempt.own = reportOf(attempt);
      report(attempt, attempt.own);
      spans?.add("combine", timeline, attempt.planned, wholeMs, clock.nowMs());
    }
  };

  const reportOf = ({ reduction, planned }: Attempt): Report => ({
    finite: oddTasks(training, reduction).length === 0,
    products: stepProducts(training, combine, reduction, planned),
    received: reduction.received(),
  });

  const report = (attempt: Attempt, own: Report): void => {
    if (leads) attempt.reports.set(0, own);
    else options.onReduced(attempt.plan, own.finite, own.products, own.received, attempt.basis);
  };

  const isReady = ({ order, abandon }: MessageOf<"decide">): boolean => {
    if (abandon) return true;
    const attempt = order && attempts.find(order);
    return attempt !== undefined && (!updates(attempt.plan) || attempt.reduction.gradientsComplete());
  };

  /** Invariant 4. */
  const applyWaiting = (): void => {
    const [decide] = waiting;
    if (!decide || (!decide.abandon && decide.step !== state.version)) return;
    const { order } = decide;
    if (order && !attempts.find(order)) keep(lastInHand);
    if (isReady(decide)) {
      waiting = waiting.slice(1);
      orphanedNoMore();
      options.onOwed(undefined);
      apply(decide);
      return;
    }
    options.onOwed(order);
    cancelOrphan ??= clock.after(orphanedMs, () => {
      cancelOrphan = undefined;
      if (waiting[0] === decide && !isReady(decide)) options.onOrphaned(decide.step);
    });
  };

  const orphanedNoMore = (): void => {
    cancelOrphan?.();
    cancelOrphan = undefined;
  };

  /** What is in hand, as the leader said last. */
  let lastInHand: readonly InHand[] = [];
  const keep = (inHand: readonly InHand[]): readonly Work[] => {
    lastInHand = inHand;
    const owed = waiting.flatMap(({ order }) => order ?? []);
    return attempts.keep(
      [...inHand, ...owed.filter((work) => !isAmong(inHand, work))].filter(distinct),
      clock.nowMs(),
    );
  };

  const apply = (decide: MessageOf<"decide">): void => {
    if (decide.abandon || !decide.order) {
      stopHere(decide);
      return;
    }
    const { planned, basis } = decide.order;
    const { reduction } = attempts.find(decide.order) as Attempt;
    const plan = planApplied(spec, decide.step, planned);
    const startedMs = clock.nowMs();
    const agreement = training.rounder && isMeasured(plan.step) ? noAgreement() : undefined;
    const changed = updates(plan)
      ? applyUpdate({
          ...training,
          ...{ plan, reduction, scratch, agreement },
          decision: {
            ...{ weights: decide.weights, scale: decide.scale },
            learningRate: rateAt(plan, decide.step - basis),
            rateShare: rateShare(spec, decide.step - basis),
          },
        })
      : [];
    attempts.applied(planned);
    lastInHand = lastInHand.filter((work) => work.planned !== planned);
    over = decide.last;
    const appliedMs = clock.nowMs();
    spans?.add("update", timeline, decide.step, startedMs, appliedMs);
    probe?.("before-publish", decide.step);
    if (updates(plan)) {
      publication.advance(changed);
      options.onPublish();
    }
    const timings = { update: appliedMs - startedMs, publish: clock.nowMs() - appliedMs };
    options.onApplied(decide.step, timings, agreement && cosineOf(agreement));
    if (decide.checkpoint) checkpoint();
    if (decide.cut === true) options.onCut?.(remembered());
    if (over) endHere();
    else if (stopReason !== undefined && waiting.length === 0) stopNow(stopReason);
    again = true;
  };

  const rateAt = (plan: StepPlan, staleness: number): number =>
    rule.rateAt(plan) * rateShare(spec, staleness);

  const checkpoint = (): void => {
    checkpointed = state.version;
    options.onCheckpoint();
  };

  const endHere = (): void => {
    over = true;
    cancelLook?.();
    cancelLook = undefined;
    attempts.clear();
    lastInHand = [];
  };

  const stopHere = (decide: MessageOf<"decide">): void => {
    endHere();
    if (decide.checkpoint) checkpoint();
  };

  // --- the leader -----------------------------------------------------------------------------------------------------

  const lead = (): void => {
    cancelLook?.();
    cancelLook = undefined;
    if (over) return;
    const { version } = state;
    for (const attempt of attempts.all) if (isWhole(attempt)) board.whole(attempt, clock.nowMs());
    if (!unrecorded.full && options.isSettled(version)) {
      const choice = board.choose(version, clock.nowMs());
      if (choice.kind === "apply") {
        decide(attempts.find(choice.work) as Attempt);
        again = true;
        return;
      }
      if (choice.kind === "give-up") {
        board.giveUp(choice.work, "stale");
        again = true;
      } else if (choice.untilMs !== undefined)
        cancelLook = clock.after(Math.max(1, choice.untilMs - clock.nowMs()), goOn);
    }
    // Before anybody is there to compute, followers keep what they have: a leader may just have begun.
    if (board.deal(version, clock.nowMs()) || toldInHand !== "") tellInHand();
  };

  let toldInHand = "";
  const tellInHand = (): void => {
    const { inHand } = board;
    const text = JSON.stringify(inHand);
    if (text === toldInHand) return;
    toldInHand = text;
    options.onAssigned(inHand, keep(inHand));
  };

  const isWhole = (attempt: Attempt): boolean =>
    attempt.reduction.metricsComplete() &&
    (!updates(attempt.plan) || attempt.reports.size === options.shards);

  const decide = (attempt: Attempt): void => {
    const { planned, basis, reduction, reports } = attempt;
    const step = state.version;
    const plan = planApplied(spec, step, planned);
    const decision = createStepDecision({
      ...{ spec, layout, plan, combine, clipScale },
      shards: options.shards,
      records: recordsGradients(spec, layout, planned),
    });
    for (const [index, { finite, products, received }] of reports)
      decision.reduced(index, finite, products, received);
    const askedMs = clock.nowMs();
    const before = combine.state();
    const tasks = reduction.records();
    const verdict = decision.verdict(lossesOf(spec, plan, tasks));
    if (verdict.kind !== "decided") {
      combine = createCombineRule(spec, arithmetic, before);
      const reason = verdict.kind === "refused" ? verdict.reason : "reports are missing";
      // Computed once more, on other weights and by somebody else: then it is the run's own doing.
      if (board.timesGivenUp(planned, "unfit") > 0) {
        over = true;
        options.onHopeless(
          `planned step ${planned} cannot be applied: ${reason}, and so it was when it was computed before; a smaller learning rate, clipNorm or cleaner data usually mends it`,
        );
        return;
      }
      board.giveUp(attempt, "unfit");
      return;
    }
    const warning = combine.warning?.();
    if (warning !== undefined) options.onWarning?.(warning);
    const decidedMs = clock.nowMs();
    const order: Work = { planned, basis };
    const cut = updates(plan) && !plan.last && !plan.checkpoint && options.isCutDue?.(step + 1) === true;
    const word: MessageOf<"decide"> = {
      ...decideMessage(runId, timeline, plan, verdict),
      ...(cut && { cut }),
      order,
    };
    board.applied(attempt);
    const record = commitRecord({
      ...{ runId, timeline, plan, tasks },
      received: receivedOf({ decision, reduction }),
      learningRate: updates(plan) ? rateAt(plan, step - basis) : 0,
      gradientNorm: verdict.gradientNorm,
      ...(verdict.gradients && { gradients: verdict.gradients }),
      duplicates: reduction.duplicates() + dropped,
      timings: { gather: decidedMs - attempt.startedMs, decide: clock.nowMs() - decidedMs },
      digest: options.digestOf(step),
      order: { ...order, givenUp: board.takeGivenUp() },
      ...(plan.checkpoint || plan.last ? { combiner: remembered() } : {}),
    });
    dropped = 0;
    unrecorded.add(record);
    keepDecision(word);
    probe?.("before-commit", step);
    words = [...words.slice(-1), word];
    options.onDecided(word);
    options.onCommitted(record);
    probe?.("after-commit", step);
    spans?.add("combine", timeline, planned, askedMs, decidedMs);
    spans?.add("commit", timeline, step, decidedMs, clock.nowMs());
    apply(word);
  };

  /** Invariant 2. */
  const keepDecision = (word: MessageOf<"decide">): void => {
    const kept: Decision = {
      ...{ timeline, decide: word, combiner: remembered() },
      records: [...unrecorded.records],
    };
    state.writeDecision(word.step, (maxBytes) => encodeDecision(kept, maxBytes));
  };

  const stopNow = (reason: string): void => {
    stopReason = undefined;
    const word = abandonMessage(runId, timeline, state.version, checkpointed !== state.version);
    words = [...words.slice(-1), word];
    options.onDecided(word);
    options.onStopped({
      version: state.version,
      reason,
      ...(word.checkpoint ? { combiner: remembered() } : {}),
    });
    stopHere(word);
  };

  const restore = (text: string | undefined): void => {
    const { applied, combiner } = readRemembered(text);
    board.startOver(applied);
    combine = createCombineRule(spec, arithmetic, combiner);
  };

  const takeUp = (): void => {
    const kept = readDecision(state.readDecision()?.text);
    restore(kept?.combiner);
    if (!kept?.decide || kept.timeline !== timeline) return;
    for (const record of kept.records) unrecorded.add(record);
    words = [kept.decide];
    if (kept.decide.step >= state.version) waiting = [kept.decide];
  };

  const cease = (): void => {
    endHere();
    orphanedNoMore();
    waiting = [];
    words = [];
    stopReason = undefined;
    toldInHand = "";
  };

  return {
    cease,
    begin({ timeline: next, from, combiner }) {
      cease();
      timeline = next;
      unrecorded.clear();
      checkpointed = from === "checkpoint" ? state.version : undefined;
      if (leads && from === "held") takeUp();
      else restore(leads ? combiner : undefined);
      publication.begin();
      over = state.version > lastStep(spec);
      options.onPublish();
      goOn();
    },
    push(message, bytes, workerId, from) {
      const { step: planned, basis } = message;
      const isVoid = from?.fenced === true || message.timeline !== timeline;
      const attempt = isVoid ? undefined : attempts.find({ planned, basis });
      if (!attempt) {
        dropped += 1;
        return;
      }
      if (attempt.reduction.isEmpty()) probe?.("before-reduce", state.version);
      const takenMs = clock.nowMs();
      attempt.reduction.accept(message, bytes, workerId);
      spans?.add("reduce", timeline, planned, takenMs, clock.nowMs(), workerId);
      goOn();
    },
    offered() {
      throw new ProtocolError("nobody offers in modes with an order");
    },
    left: () => undefined,
    reduced(message, products: readonly BlockProducts[]) {
      const { step: planned, basis, index, finite, received } = message;
      const attempt = message.timeline === timeline ? attempts.find({ planned, basis }) : undefined;
      // On its way while it was given up, or while the leader began anew.
      if (!attempt) return;
      attempt.reports.set(index, { finite, products, received });
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
    },
    // Planned steps that are not finite are given up and computed again; nobody is paused.
    bearOut: () => undefined,
    decisionsSince: (version) => words.filter(({ step, abandon }) => abandon || step >= version),
    reportAgain() {
      for (const attempt of attempts.all) if (attempt.own) report(attempt, attempt.own);
    },
    stop(reason) {
      if (over) return;
      if (waiting.length > 0) stopReason = reason;
      else stopNow(reason);
    },
    decided(word) {
      if (word.timeline !== timeline || over || word.step < state.version) return;
      if (waiting.some(({ step, abandon }) => step === word.step && abandon === word.abandon)) return;
      waiting = [...waiting, word].sort((a, b) => a.step - b.step || Number(a.abandon) - Number(b.abandon));
      goOn();
    },
    get recordsFrom() {
      return unrecorded.records[0]?.step ?? state.version;
    },
    get over() {
      return over;
    },
    get combiner() {
      return remembered();
    },
    // The job's check allows no sampling that follows losses here.
    deal: () => undefined,
    order: {
      assigned(message) {
        if (message.timeline !== timeline || over) return;
        const opened = keep(message.work);
        // A leader that has just begun may give out what is whole here already.
        for (const attempt of attempts.all) if (attempt.own) report(attempt, attempt.own);
        options.onAssigned(message.work, opened);
        goOn();
      },
      setTeams(teams) {
        board.setTeams(teams);
        goOn();
      },
      lacks(workerId, work) {
        board.lacks(workerId, work);
        goOn();
      },
      get inHand() {
        return toldInHand === "" ? undefined : lastInHand;
      },
      goOn,
    },
  };
}

function isAmong(all: readonly Work[], { planned, basis }: Work): boolean {
  return all.some((one) => one.planned === planned && one.basis === basis);
}

/** The same planned step on the same version may be in several hands. */
function distinct({ planned, basis }: Work, place: number, all: readonly Work[]): boolean {
  return all.findIndex((one) => one.planned === planned && one.basis === basis) === place;
}
