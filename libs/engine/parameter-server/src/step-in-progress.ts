import { createStepReduction, type StepReduction } from "@latentweave/aggregation";
import { clipScale } from "@latentweave/optim";
import { planStep, type StepPlan } from "@latentweave/plan";
import type { CombineRule } from "./combine-rule.ts";
import { createStepDecision, type Received, type StepDecision } from "./leader.ts";
import { createStepOffers, type StepOffers } from "./offers.ts";
import { recordsGradients } from "./recorded-gradients.ts";
import type { SteppingOptions } from "./stepping-options.ts";

/** What a shard has of the step that it reduces. */
export interface StepInProgress {
  readonly plan: StepPlan;
  readonly reduction: StepReduction;
  readonly offers: StepOffers | undefined;
  /** Leader only. */
  readonly decision: StepDecision | undefined;
  readonly startedMs: number;
  /** Set when this shard's gradient slices were complete and reported. */
  reportedMs: number | undefined;
  /** It must not be committed as it is, and the coordinator has been told. */
  unfit: boolean;
  /** The coordinator has said that whoever computes it comes to the same numbers. */
  borneOut: boolean;
}

/** Nothing of it has arrived. @param timeline which those hear who are asked for what they have offered */
export function openStep(
  options: Pick<SteppingOptions, "runId" | "training" | "clock" | "leads" | "shards" | "offers">,
  combine: CombineRule,
  timeline: number,
  step: number,
): StepInProgress {
  const { runId, training, leads, shards } = options;
  const { arithmetic, spec, layout, state } = training;
  // What the record says of it is the leader's to know; to reduce it takes none.
  const plan = planStep(spec, step, { deal: leads ? combine.sampling?.at(step) : undefined });
  const reduction = createStepReduction({
    ...{ arithmetic, spec, layout, plan },
    ...{ owned: state.slices, leader: leads },
  });
  const records = recordsGradients(spec, layout, step);
  return {
    ...{ plan, reduction, startedMs: options.clock.nowMs() },
    offers:
      options.offers &&
      createStepOffers(reduction, options.offers, (channel, of) =>
        channel.send({ type: "ask", runId, timeline, step, ...of }),
      ),
    decision: leads
      ? createStepDecision({ spec, layout, plan, shards, combine, clipScale, records })
      : undefined,
    ...{ reportedMs: undefined, unfit: false, borneOut: false },
  };
}

/** Tasks whose gradients, or some contribution to them where those stay apart, are not finite. */
export function oddTasks(
  { arithmetic }: Pick<SteppingOptions["training"], "arithmetic">,
  reduction: StepReduction,
): string[] {
  return reduction.tasks
    .filter(({ slices }) =>
      slices.some(({ slice, reducer, apart }) =>
        (apart?.all() ?? [reducer.result()]).some((at) => !arithmetic.allFinite(at, slice.numbers)),
      ),
    )
    .map(({ plan }) => plan.task);
}

/** Leader, by shard. What it has received itself it knows best now: evaluations go on arriving after its gradients are reported. */
export function receivedOf({
  decision,
  reduction,
}: Pick<StepInProgress, "decision" | "reduction">): (readonly [index: number, received: Received])[] {
  return [[0, reduction.received()], ...(decision?.received() ?? []).filter(([index]) => index > 0)];
}
