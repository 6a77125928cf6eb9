import type { ParameterLayout } from "@latentweave/parameters";
import type { RunSpec, StepPlan } from "@latentweave/plan";

/**
 * The how-manieth update of a group this step makes, counted from 1 since the optimiser was last reset: Adam's t. A
 * pure function of the plan, so that no shard keeps a counter that could be lost.
 */
export function updateIndex(
  spec: Pick<RunSpec, "phases">,
  layout: Pick<ParameterLayout, "groups">,
  group: number,
  plan: Pick<StepPlan, "phase" | "phaseStep">,
): number {
  const name = layout.groups[group]?.name ?? "";
  let updates = 0;
  for (const [index, phase] of spec.phases.entries()) {
    if (index > plan.phase) break;
    if (phase.resetOptimiser) updates = 0;
    const used = phase.graphs.some((graph) => graph.groups.includes(name));
    if (index === plan.phase) return updates + plan.phaseStep + 1;
    if (used) updates += phase.steps;
  }
  throw new RangeError(`phase ${plan.phase} does not exist`);
}
