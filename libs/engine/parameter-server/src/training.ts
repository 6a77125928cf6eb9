import type { Arithmetic } from "@latentweave/arithmetic";
import { createOptimiser, learningRateAt, type Optimiser } from "@latentweave/optim";
import { createLayout, ownership, type ParameterLayout } from "@latentweave/parameters";
import { type RunSpec, type StepPlan, totalSteps } from "@latentweave/plan";
import type { Vault } from "@latentweave/protocol";
import { createOwnedState, type OwnedState } from "./owned-state.ts";
import { createPublication, type Publication } from "./publication.ts";
import { createRelatedness, type Relatedness } from "./relatedness.ts";

/** What a shard has as soon as it knows the run: its part of the weights, and what changes and publishes them. */
export interface Training {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly optimiser: Optimiser;
  readonly relatedness: Relatedness | undefined;
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
  const optimiser = createOptimiser(spec.optimiser);
  const state = createOwnedState(arithmetic, layout, owned, optimiser.stateNames, spec.seed, vault);
  return {
    arithmetic,
    spec,
    layout,
    optimiser,
    relatedness: createRelatedness(spec, layout, arithmetic),
    state,
    publication: createPublication(arithmetic, state),
  };
}

export function updates(plan: StepPlan): boolean {
  return plan.rounds.some((round) => round.update);
}

/** The learning rate of a step that updates; every shard computes it for itself, to the same bits. */
export function rateAt(spec: RunSpec, plan: StepPlan, arithmetic: Arithmetic): number {
  const phaseSteps = spec.phases[plan.phase]?.steps ?? totalSteps(spec);
  return learningRateAt(spec.schedule, spec.optimiser.learningRate, plan.phaseStep, phaseSteps, arithmetic);
}
