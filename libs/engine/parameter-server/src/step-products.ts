import type { StepReduction } from "@latentweave/aggregation";
import type { CombineRule } from "./combine-rule.ts";
import { needsProducts } from "./leader.ts";
import { type BlockProducts, blockProducts } from "./products.ts";
import { recordsGradients } from "./recorded-gradients.ts";
import type { Training } from "./training.ts";

/** What a shard tells the leader of a planned step's gradients: nothing where nothing asks for it. */
export function stepProducts(
  {
    arithmetic,
    spec,
    layout,
    rule,
    rules,
  }: Pick<Training, "arithmetic" | "spec" | "layout" | "rule" | "rules">,
  combine: CombineRule,
  reduction: StepReduction,
  step: number,
): BlockProducts[] {
  if (needsProducts(spec, combine, step)) return blockProducts(arithmetic, spec, rule, rules, reduction);
  if (!recordsGradients(spec, layout, step)) return [];
  // The record is of shared parameters alone.
  return blockProducts(
    arithmetic,
    spec,
    rule,
    rules,
    reduction,
    (group) => layout.groups[group]?.shared === true,
  );
}
