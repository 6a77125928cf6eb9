import { type Arithmetic, randomKey } from "@latentweave/arithmetic";
import { combinerNamed, type CombinerState, type GuardDecision } from "@latentweave/multitask";
import {
  afterEvaluation,
  beginSampling,
  dealAnew,
  dealAt,
  freshEarlyStop,
  joinLeaderState,
  ownTasks,
  type RunSpec,
  splitLeaderState,
} from "@latentweave/plan";
import type { Deal } from "@latentweave/protocol";
import { createGuardedRule } from "./guarded-rule.ts";
import { createPauses, type Pauses } from "./pauses.ts";

/** The job's combiner with its state: one weight per task and step. Lives on the leader, for one run. */
export interface CombineRule {
  /** Whether the step's weights are made from its gradients' inner products. */
  needsGram(step: number): boolean;
  /** Call once per step, in order: the combiner's state moves on. */
  solve(input: {
    readonly gram: Float64Array | undefined;
    readonly losses: readonly number[];
    readonly step: number;
    /** Tasks that change nothing in this step: zero in `gram`, their losses not looked at, their weights 0. */
    readonly leftOut?: ReadonlySet<number>;
    /** Where sampling is adaptive: rows of each of the job's own tasks, over those that it began with. */
    readonly rowShares?: readonly number[] | undefined;
  }): readonly number[];
  /**
   * With a guard: the tasks' losses on held-out rows at a step that evaluates, before it is solved. Call once per such
   * step, in order.
   */
  watch?(evaluated: {
    readonly losses: readonly (number | undefined)[];
    readonly step: number;
    readonly last: boolean;
  }): readonly GuardDecision[];
  /** Where sampling is adaptive. */
  readonly sampling?:
    | {
        /** What each task has of the step; of the newest and the one before it. */
        at(step: number): Deal;
        /** Call once per step that evaluates, in order. @returns what follows from it */
        note(evaluated: Parameters<typeof dealAnew>[2]): Deal;
      }
    | undefined;
  /** Why the newest solution is not the combiner's own; undefined where it is. */
  warning?(): string | undefined;
  /** Where the job has tasks paused whose numbers are not finite. */
  readonly pauses?: Pauses | undefined;
  /** Where the job may end early. */
  readonly early?:
    | {
        /** One more evaluation; call once per step that has one, in order. @returns whether the run ends with the step */
        note(loss: number): boolean;
        readonly ended: boolean;
      }
    | undefined;
  /** The combiner's state after the newest step, and all else that the leader remembers, as JSON: part of a checkpoint. */
  state(): string;
}

/** `restored`: a state as JSON from a checkpoint; without it the combiner begins anew. */
export function createCombineRule(spec: RunSpec, arithmetic: Arithmetic, restored?: string): CombineRule {
  const kept = restored === undefined ? undefined : splitLeaderState(restored);
  const plain = createPlainRule({ ...spec, tasks: ownTasks(spec) }, arithmetic, kept);
  const guarded = spec.guard && createGuardedRule(spec, spec.guard, plain, kept?.state.guard);
  const pauses =
    spec.pauseNotFinite &&
    createPauses(
      spec.tasks.map(({ name }) => name),
      spec.pauseNotFinite.retryAfterSteps,
      kept?.state.paused,
    );
  const sampled = spec.sampling && { ...spec, sampling: spec.sampling };
  let sampling = sampled && (kept?.state.sampling ?? beginSampling(sampled));
  const rule = spec.stopEarly;
  let early = kept?.state.early ?? freshEarlyStop;
  return {
    ...plain,
    ...(guarded && { solve: guarded.solve, watch: guarded.watch }),
    pauses,
    sampling: sampled && {
      at: (step) => dealAt(sampling?.deals ?? [], step),
      note(evaluated) {
        sampling = dealAnew(sampled, sampling ?? beginSampling(sampled), evaluated, arithmetic);
        return dealAt(sampling.deals, evaluated.step + 1);
      },
    },
    early: rule && {
      note(loss) {
        early = afterEvaluation(rule, early, loss);
        return early.ended;
      },
      get ended() {
        return early.ended;
      },
    },
    state() {
      const paused = pauses?.state ?? {};
      const held = plain.held();
      return joinLeaderState(plain.state(), {
        ...(guarded && { guard: guarded.guard }),
        ...(Object.keys(paused).length > 0 && { paused }),
        ...(sampling && { sampling }),
        ...(rule && { early }),
        ...(held && { weights: held }),
      });
    },
  };
}

interface PlainRule extends CombineRule {
  /** Weights that were not made for their step alone. */
  held(): readonly number[] | undefined;
}

/** The job's combiner alone. */
function createPlainRule(
  spec: RunSpec,
  arithmetic: Arithmetic,
  restored: ReturnType<typeof splitLeaderState> | undefined,
): PlainRule {
  const combiner = combinerNamed(spec.combiner.name, "combiner", spec.userModule);
  const taskCount = spec.tasks.length;
  let warning: string | undefined;
  const { everySteps = 1 } = spec.combiner;
  const isDue = (step: number): boolean => step % everySteps === 0;
  let held = restored?.state.weights;
  let text = restored?.combiner ?? JSON.stringify(combiner.init(taskCount, spec.combiner.options));
  return {
    needsGram: (step) => combiner.needsGram && isDue(step),
    solve({ gram, losses, step, leftOut = new Set(), rowShares }) {
      const present = (weights: readonly number[]): number[] =>
        weights.map((weight, task) => (leftOut.has(task) ? 0 : weight));
      if (!isDue(step)) {
        warning = undefined;
        // In modes with an order others may come before the first step: they are taken as they are.
        return present(held ?? spec.tasks.map(() => 1));
      }
      const key = randomKey(spec.seed, "combiner", combiner.name, step);
      const solved = combiner.solve({
        taskCount,
        gram,
        options: spec.combiner.options,
        // Gradients are those of weighted losses (update-rule.ts): a method must see the two of one function.
        losses: inPlaceOfLeftOut(
          losses.map((loss, task) => loss * (spec.tasks[task]?.weight ?? 1) * (rowShares?.[task] ?? 1)),
          leftOut,
        ),
        step,
        // Read back even without a restart: JSON has no minus zero, and both ways must give the same bits.
        state: JSON.parse(text) as CombinerState,
        key,
        arithmetic,
      });
      text = JSON.stringify(solved.state);
      warning = solved.warning;
      if (everySteps > 1) held = [...solved.weights];
      return present([...solved.weights]);
    },
    held: () => held,
    warning: () => warning,
    state: () => text,
  };
}

/** A task that is left out has no gradient, and for its loss the mean of the others': no method makes anything of that. */
function inPlaceOfLeftOut(losses: readonly number[], leftOut: ReadonlySet<number>): Float64Array {
  const others = losses.filter((_, task) => !leftOut.has(task));
  const mean = others.reduce((sum, loss) => sum + loss, 0) / others.length;
  return Float64Array.from(losses, (loss, task) => (leftOut.has(task) ? mean : loss));
}
