import { clipScale } from "@latentweave/optim";
import { planStep, type StepPlan } from "@latentweave/plan";
import { type Clock, type MessageOf, ProtocolError } from "@latentweave/protocol";
import { applyUpdate } from "./apply-update.ts";
import { createCombineRule } from "./combine-rule.ts";
import { createStepDecision, needsProducts, type StepDecision } from "./leader.ts";
import type { OwnedSlice } from "./owned-state.ts";
import { type BlockProducts, blockProducts } from "./products.ts";
import { abandonMessage, decideMessage, lossesOf } from "./step-messages.ts";
import { createStepReduction, type StepReduction } from "./step-reduction.ts";
import { rateAt, type Training, updates } from "./training.ts";

/** Commits that the leader makes before the coordinator has acknowledged the oldest of them. */
const mostUnackedCommits = 64;

/** What a checkpoint gave besides tensors. */
export interface Restored {
  /** The combiner's state as JSON; the leader's alone. */
  readonly combiner: string | undefined;
}

interface StepInProgress {
  readonly plan: StepPlan;
  readonly reduction: StepReduction;
  /** Leader only. */
  readonly decision: StepDecision | undefined;
  readonly startedMs: number;
  /** Set when this shard's gradient slices were complete and reported. */
  reportedMs: number | undefined;
}

/**
 * The steps of one shard, one after the other: reduce, decide (leader), update, publish.
 *
 * Invariants (of the shard):
 * 1. At most one step is in progress; its number is the version of the weights it is computed on.
 * 2. Weights change only in `commit`, which runs once per step and only on a `decide` of the leader.
 * 3. Nothing of version n+1 is published before that.
 * 4. What arrives for another step is dropped and counted: identity is (run, step, round, task, node, slice).
 */
export interface Stepping {
  /** Publishes the weights as they are and opens their step. `restored`: when they are those of a checkpoint. */
  begin(step: number, restored: Restored | undefined): void;
  /** @throws ProtocolError when the push is for a step to come, or does not fit this one. */
  push(message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string, fenced: boolean): void;
  /** Leader: what a shard reports. @throws ProtocolError when it is for a step to come. */
  reduced(index: number, step: number, finite: boolean, products: readonly BlockProducts[]): void;
  /** Leader: the coordinator has taken a record. */
  acknowledged(): void;
  /**
   * Leader: nothing further is committed; a checkpoint of the version that holds follows, unless one was made or is on
   * its way already.
   */
  stop(reason: string): void;
  /** Followers: the leader's word. @throws ProtocolError when it is not about the step in progress. */
  commit(decide: MessageOf<"decide">): void;
}

export function createStepping(options: {
  readonly runId: string;
  readonly shards: number;
  readonly training: Training;
  readonly clock: Clock;
  readonly leads: boolean;
  /** Followers: all of this shard's gradient slices are complete. */
  readonly onReduced: (plan: StepPlan, finite: boolean, products: readonly BlockProducts[]) => void;
  /** Leader: to be told to the followers. */
  readonly onDecided: (decide: MessageOf<"decide">) => void;
  /** Leader: the record of a commit, before any of its weights leave. */
  readonly onCommitted: (record: Omit<MessageOf<"committed">, "type" | "runId">) => void;
  readonly onStopped: (stopped: Omit<MessageOf<"stopped">, "type" | "runId">) => void;
  readonly onPublish: () => void;
  readonly onApplied: (step: number, timings: { readonly update: number; readonly publish: number }) => void;
  readonly onCheckpoint: () => void;
  /** The step must not be committed: the run cannot go on. */
  readonly onRefused: (error: Error) => void;
}): Stepping {
  const { runId, training, clock, leads } = options;
  const { arithmetic, spec, layout, state, publication } = training;
  const scratch = arithmetic.allocate(65_536);
  let combine = createCombineRule(spec, arithmetic);
  let current: StepInProgress | undefined;
  let unackedCommits = 0;
  let dropped = 0;
  /** The newest version that was sent to be checkpointed, or that a checkpoint gave. */
  let checkpointed: number | undefined;

  const publish = (changed: readonly OwnedSlice[]): void => {
    publication.advance(changed);
    options.onPublish();
  };

  const open = (step: number): void => {
    const plan = planStep(spec, step);
    const reduction = createStepReduction({
      arithmetic,
      spec,
      layout,
      owned: state.slices,
      leader: leads,
      plan,
    });
    const decision = leads
      ? createStepDecision({ spec, layout, plan, shards: options.shards, combine, clipScale })
      : undefined;
    current = { plan, reduction, decision, startedMs: clock.nowMs(), reportedMs: undefined };
    reportIfReduced();
  };

  /** When every gradient slice is here: products if asked for, and word to the leader. Then the leader may decide. */
  const reportIfReduced = (): void => {
    const step = current;
    if (!step) return;
    if (step.reportedMs === undefined && updates(step.plan) && step.reduction.gradientsComplete()) {
      step.reportedMs = clock.nowMs();
      const finite = step.reduction.tasks.every((task) =>
        task.slices.every(({ slice, reducer }) => arithmetic.allFinite(reducer.result(), slice.numbers)),
      );
      const products = needsProducts(spec, combine) ? blockProducts(arithmetic, spec, step.reduction) : [];
      if (step.decision) step.decision.reduced(0, finite, products);
      else options.onReduced(step.plan, finite, products);
    }
    decideIfComplete();
  };

  const decideIfComplete = (): void => {
    const step = current;
    if (!step?.decision || unackedCommits >= mostUnackedCommits || !step.reduction.metricsComplete()) return;
    const { plan } = step;
    const records = step.reduction.records();
    const verdict = step.decision.verdict(lossesOf(spec, plan, records));
    if (verdict.kind === "waiting") return;
    if (verdict.kind === "refused") {
      options.onRefused(
        new Error(
          `step ${plan.step} cannot be committed: ${verdict.reason}; a smaller learning rate, clipNorm or cleaner data usually mends it`,
        ),
      );
      return;
    }
    const decide = decideMessage(runId, plan, verdict);
    options.onDecided(decide);
    const decidedMs = clock.nowMs();
    const reportedMs = step.reportedMs ?? decidedMs;
    const duplicates = step.reduction.duplicates + dropped;
    dropped = 0;
    unackedCommits += 1;
    // The record goes out before the weights do: whoever sees version n+1 can rely on the commit having been told.
    options.onCommitted({
      step: plan.step,
      version: plan.step + (updates(plan) ? 1 : 0),
      tasks: records,
      learningRate: updates(plan) ? rateAt(spec, plan, arithmetic) : 0,
      gradientNorm: verdict.gradientNorm,
      duplicates,
      timings: { gather: reportedMs - step.startedMs, decide: decidedMs - reportedMs },
      last: plan.last,
      ...(plan.checkpoint ? { combiner: combine.state() } : {}),
    });
    commit(decide);
  };

  /** Invariant 2: the only place where weights change. */
  const commit = (decide: MessageOf<"decide">): void => {
    if (!current || decide.step !== current.plan.step)
      throw new ProtocolError(
        `decision on step ${decide.step} while step ${current?.plan.step} is in progress`,
      );
    if (decide.abandon) {
      stopHere(decide);
      return;
    }
    const { plan, reduction } = current;
    const startedMs = clock.nowMs();
    const changed = updates(plan)
      ? applyUpdate({
          ...training,
          plan,
          reduction,
          decision: {
            weights: decide.weights,
            scale: decide.scale,
            learningRate: rateAt(spec, plan, arithmetic),
          },
          scratch,
        })
      : [];
    reduction.release();
    current = undefined;
    const appliedMs = clock.nowMs();
    if (!decide.last) publish(changed);
    options.onApplied(decide.step, {
      update: appliedMs - startedMs,
      publish: clock.nowMs() - appliedMs,
    });
    if (decide.checkpoint) checkpoint();
    if (!decide.last) open(decide.step + 1);
  };

  const checkpoint = (): void => {
    checkpointed = state.version;
    options.onCheckpoint();
  };

  const stopHere = (decide: MessageOf<"decide">): void => {
    current?.reduction.release();
    current = undefined;
    if (decide.checkpoint) checkpoint();
  };

  return {
    begin(step, restored) {
      if (restored) checkpointed = step;
      combine = createCombineRule(spec, arithmetic, restored?.combiner);
      publish([]);
      open(step);
    },
    push(message, bytes, workerId, fenced) {
      if (!current || fenced || message.step < current.plan.step) {
        dropped += 1;
        return;
      }
      if (message.step > current.plan.step)
        throw new ProtocolError(
          `push for step ${message.step} while step ${current.plan.step} is in progress`,
        );
      current.reduction.accept(message, bytes, workerId);
      reportIfReduced();
    },
    reduced(index, step, finite, products) {
      // On its way while the leader stopped.
      if (!current?.decision || step < current.plan.step) return;
      if (step > current.plan.step)
        throw new ProtocolError(`report on step ${step} while step ${current.plan.step} is in progress`);
      current.decision.reduced(index, finite, products);
      decideIfComplete();
    },
    acknowledged() {
      unackedCommits -= 1;
      decideIfComplete();
    },
    stop(reason) {
      const step = current?.plan.step ?? state.version;
      const decide = abandonMessage(runId, step, checkpointed !== state.version);
      options.onDecided(decide);
      options.onStopped({
        version: state.version,
        reason,
        ...(decide.checkpoint ? { combiner: combine.state() } : {}),
      });
      stopHere(decide);
    },
    commit,
  };
}
