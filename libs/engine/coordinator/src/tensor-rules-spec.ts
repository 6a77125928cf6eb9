import { isDeepStrictEqual } from "node:util";
import { fitsPattern, type ResolvedJob } from "@latentweave/job";
import type { GroupSpec, TensorSpec } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";

/**
 * What the job says of tensors by patterns of their names, tensor by tensor; only what differs from all others'.
 * @throws UserError for a pattern that no tensor fits, and where nothing would be trained
 */
export function tensorRulesSpec(
  { rates, optimiser, optimisers = {} }: Pick<ResolvedJob, "rates" | "optimiser" | "optimisers">,
  groups: readonly GroupSpec[],
): Pick<RunSpec, "rates" | "optimisers"> {
  const tensors = groups.flatMap((group) => group.tensors);
  const factors = byTensor("rates", rates, tensors, "tensor of the model");
  if (tensors.every(({ name }) => factors.get(name) === 0))
    throw new UserError({
      where: "rates",
      what: "are 0 for every tensor: nothing would be learned",
      expected: "some tensor that is trained",
      mend: "leave some of them out",
    });
  const stepped = tensors.filter(({ movingAverage }) => movingAverage === undefined);
  const rules = byTensor("optimisers", optimisers, stepped, "tensor that an optimiser updates");
  const otherRates = [...factors].filter(([, factor]) => factor !== 1);
  const others = [...rules].filter(([, rule]) => !isDeepStrictEqual(rule, optimiser));
  return {
    ...(otherRates.length > 0 && { rates: Object.fromEntries(otherRates) }),
    ...(others.length > 0 && { optimisers: Object.fromEntries(others) }),
  };
}

/** Of the patterns that a tensor fits the last counts; a baseline's tensor has its task's. */
function byTensor<Value>(
  field: string,
  patterns: Readonly<Record<string, Value>>,
  tensors: readonly TensorSpec[],
  kind: string,
): ReadonlyMap<string, Value> {
  const names = tensors.map(({ name }) => name);
  const values = new Map<string, Value>();
  for (const [pattern, value] of Object.entries(patterns)) {
    const fitting = tensors
      .filter(({ name, drawnAs = name }) => fitsPattern(pattern, name) || fitsPattern(pattern, drawnAs))
      .map(({ name }) => name);
    if (fitting.length === 0)
      throw new UserError({
        where: `${field}["${pattern}"]`,
        what: `fits no ${kind}`,
        expected: `a name or a pattern of ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`,
        mend: "change it, or leave it out",
      });
    for (const name of fitting) values.set(name, value);
  }
  return values;
}
