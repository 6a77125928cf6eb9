import type { WeightSource } from "@latentweave/checkpoint";
import { fitsPattern, type ResolvedStart } from "@latentweave/job";
import type { ParameterLayout, PlacedTensor } from "@latentweave/parameters";
import { UserError } from "@latentweave/protocol";

/**
 * Writes what a source has of a model's tensors, by name and in the same shape.
 * @param groups numbers of each group in layout order, padding included
 * @returns how many tensors were taken
 * @throws UserError when there is none, or one has another shape
 */
export async function takeWeights(
  source: WeightSource,
  { from, only, rename }: ResolvedStart,
  layout: ParameterLayout,
  groups: readonly Float32Array[],
): Promise<number> {
  const places = placesByName(layout);
  let taken = 0;
  for (const stored of source.tensors) {
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
  const there = source.tensors.map(({ name }) => name);
  throw new UserError({
    where: `start.from ${from}`,
    what: "has no tensor that this model has",
    expected: `some of ${[...places.keys()].slice(0, 6).join(", ")}, ...; it has ${there.slice(0, 6).join(", ")}${there.length > 6 ? ", ..." : ""}`,
    mend: 'rename what is to be taken, such as start.rename: { "digits/": "letters/" }, or check start.only',
  });
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
