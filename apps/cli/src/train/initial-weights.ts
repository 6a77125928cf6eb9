import path from "node:path";
import { loadArithmetic } from "@latentweave/arithmetic";
import { openInitialWeights, openWeights, writeInitialWeights } from "@latentweave/checkpoint";
import type { ResolvedStart } from "@latentweave/job";
import { createOwnedState } from "@latentweave/parameter-server-engine";
import { createLayout, ownership, type ParameterLayout } from "@latentweave/parameters";
import { type RunSpec, stateSections } from "@latentweave/plan";
import { takeWeights } from "./take-weights.ts";

/**
 * The weights that a job wants to begin with, written beside the run unless they are there already: those of `start`
 * where names and shapes are the same, all others drawn as in any run.
 * @returns the hash of the parameters
 * @throws UserError when there is nothing to take, or a tensor has another shape
 */
export async function prepareInitialWeights(options: {
  readonly start: ResolvedStart;
  readonly spec: RunSpec;
  readonly directory: string;
  readonly runId: string;
  /** What relative paths start from. */
  readonly jobDirectory: string;
  readonly log: (line: string) => void;
}): Promise<string> {
  const { start, spec, directory, runId, log } = options;
  const layout = createLayout(spec.groups);
  const before = await openInitialWeights(directory, layout);
  if (before?.hash !== undefined) return before.hash;
  const groups = drawn(spec, layout);
  const source = await openWeights(path.resolve(options.jobDirectory, start.from), log);
  const taken = await takeWeights(source, start, layout, groups).finally(() => source.close());
  const { length } = layout.groups.flatMap(({ tensors }) => tensors);
  log(`${taken} of ${length} tensors begin as in ${start.from}, the others are drawn`);
  return await writeInitialWeights({
    ...{ directory, runId, layout, groups },
    sections: ["parameters", ...stateSections(spec)],
    meta: { from: start.from },
  });
}

/** As a shard that owned everything would draw them. */
function drawn(spec: RunSpec, layout: ParameterLayout): Float32Array[] {
  const state = createOwnedState(loadArithmetic(), layout, ownership(layout, 1)[0] ?? [], [], spec.seed);
  const groups = layout.groups.map(({ numbers }) => new Float32Array(numbers));
  for (const slice of state.slices) {
    const bytes = state.copy(slice, "parameters");
    groups[slice.group]?.set(new Float32Array(bytes.buffer, bytes.byteOffset, slice.numbers), slice.start);
  }
  return groups;
}
