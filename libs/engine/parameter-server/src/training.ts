import { type CodecChoice, createCodecChoice } from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import { createLayout, ownership, type ParameterLayout } from "@latentweave/parameters";
import { autoCodecs, type RunSpec, optimiserStates, stateSections, type StepPlan } from "@latentweave/plan";
import type { Vault } from "@latentweave/protocol";
import { createOwnedState, type OwnedState } from "./owned-state.ts";
import { createPublication, type Publication } from "./publication.ts";
import { createRelatedness, type Relatedness } from "./relatedness.ts";
import { createFeedbackRounder } from "./feedback-change.ts";
import { type ChangeRounder, createChangeRounder } from "./round-change.ts";
import { createTensorRules, type TensorRules } from "./tensor-rules.ts";
import { createUpdateRule, type UpdateRule } from "./update-rule.ts";

/** What a shard has as soon as it knows the run: its part of the weights, and what changes and publishes them. */
export interface Training {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  /** Sections of the state, in the order of the optimisers; a tensor of another one leaves them at zero. */
  readonly optimiserStates: readonly string[];
  readonly rule: UpdateRule;
  readonly rules: TensorRules;
  readonly relatedness: Relatedness | undefined;
  /** Where the job rounds what a step changes. */
  readonly rounder: ChangeRounder | undefined;
  /** Where the job leaves the choice of the broadcasts' codec to this shard. */
  readonly choice: CodecChoice | undefined;
  readonly state: OwnedState;
  readonly publication: Publication;
}

export function prepareTraining(
  spec: RunSpec,
  arithmetic: Arithmetic,
  shards: number,
  index: number,
  vault?: Vault,
): Training {
  const layout = createLayout(spec.groups);
  const owned = ownership(layout, shards)[index] ?? [];
  const ladder = autoCodecs(spec);
  const choice = ladder.length > 0 ? createCodecChoice(ladder) : undefined;
  const state = createOwnedState(arithmetic, layout, owned, stateSections(spec), spec.seed, vault);
  return {
    arithmetic,
    spec,
    layout,
    optimiserStates: optimiserStates(spec),
    rule: createUpdateRule(spec, arithmetic),
    rules: createTensorRules(spec, layout),
    relatedness: createRelatedness(spec, layout, arithmetic),
    choice,
    rounder: rounderOf(spec, arithmetic, choice),
    state,
    publication: createPublication(arithmetic, state),
  };
}

function rounderOf(
  { compression }: RunSpec,
  arithmetic: Arithmetic,
  choice: CodecChoice | undefined,
): ChangeRounder | undefined {
  if (choice) return createFeedbackRounder(arithmetic, () => choice.codec);
  const codec = compression?.broadcastFeedback;
  if (codec) return createFeedbackRounder(arithmetic, () => codec);
  return compression?.broadcast && createChangeRounder(arithmetic, compression.broadcast.codec);
}

export function updates(plan: StepPlan): boolean {
  return plan.rounds.some((round) => round.update);
}
