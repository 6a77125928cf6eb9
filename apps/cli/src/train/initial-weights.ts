import path from "node:path";
import { loadArithmetic } from "@latentweave/arithmetic";
import {
  openInitialWeights,
  openSafetensors,
  parametersFile,
  writeInitialWeights,
} from "@latentweave/checkpoint";
import { fitsPattern, type ResolvedStart } from "@latentweave/job";
import { stateNamesOf } from "@latentweave/optim";
import { createOwnedState } from "@latentweave/parameter-server-engine";
import { createLayout, ownership, type ParameterLayout, type PlacedTensor } from "@latentweave/parameters";
import { furtherSections, type RunSpec, serverOptimisers } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";

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
  const file = await parametersFile(path.resolve(options.jobDirectory, start.from), log);
  const taken = await take(file, start, layout, groups);
  const { length } = layout.groups.flatMap(({ tensors }) => tensors);
  log(`${taken} of ${length} tensors begin as in ${start.from}, the others are drawn`);
  return await writeInitialWeights({
    ...{ directory, runId, layout, groups },
    sections: ["parameters", ...stateNamesOf(serverOptimisers(spec)), ...furtherSections(spec)],
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

/** @returns how many tensors were taken */
async function take(
  file: string,
  { from, only, rename }: ResolvedStart,
  layout: ParameterLayout,
  groups: readonly Float32Array[],
): Promise<number> {
  const places = placesByName(layout);
  const source = await openSafetensors(file);
  try {
    let taken = 0;
    for (const stored of source.header.tensors) {
      const name = renamed(stored.name, rename);
      const own = places.get(name);
      if (!own || (only && !only.some((pattern) => fitsPattern(pattern, name)))) continue;
      for (const { tensor } of own)
        if (tensor.shape.join() !== stored.shape.join())
          throw new UserError({
            where: `start.from ${from}`,
            what: `tensor "${stored.name}" has the shape [${stored.shape.join(", ")}], but "${name}" of this model has [${tensor.shape.join(", ")}]`,
            expected: "the same shape",
            mend: "change the model, or name with start.only what is to be taken",
          });
      const values = await source.readFloat32(stored);
      for (const { group, tensor } of own) groups[group]?.set(values, tensor.offset);
      taken += own.length;
    }
    if (taken > 0) return taken;
    const there = source.header.tensors.map(({ name }) => name);
    throw new UserError({
      where: `start.from ${from}`,
      what: "has no tensor that this model has",
      expected: `some of ${[...places.keys()].slice(0, 6).join(", ")}, ...; it has ${there.slice(0, 6).join(", ")}${there.length > 6 ? ", ..." : ""}`,
      mend: 'rename what is to be taken, such as start.rename: { "digits/": "letters/" }, or check start.only',
    });
  } finally {
    await source.close();
  }
}

interface Place {
  readonly group: number;
  readonly tensor: PlacedTensor;
}

/** A baseline begins as its task in a run of its own would: from the same tensors. */
function placesByName(layout: ParameterLayout): ReadonlyMap<string, readonly Place[]> {
  const places = new Map<string, Place[]>();
  for (const { index, tensors } of layout.groups)
    for (const tensor of tensors) {
      const name = tensor.drawnAs ?? tensor.name;
      places.set(name, [...(places.get(name) ?? []), { group: index, tensor }]);
    }
  return places;
}

function renamed(name: string, rename: ResolvedStart["rename"]): string {
  const found = Object.entries(rename).find(([before]) => name.startsWith(before));
  return found ? found[1] + name.slice(found[0].length) : name;
}
