/** Numbers in a parameter block: the unit of inner products, digests and ownership by shards (64 KiB of float32). */
export const blockNumbers = 16_384;

/** Tensors start at multiples of this many numbers in their group, so that each is 64-byte aligned in memory. */
export const tensorAlignment = 16;

/** How a tensor gets its first values, from our keyed generator; fans are already folded into the numbers. */
export type Initialiser =
  | { readonly kind: "constant"; readonly value: number }
  /** Of a square tensor: `value` on the diagonal, else 0. */
  | { readonly kind: "diagonal"; readonly value: number }
  /** `as`: drawn as a tensor of this name would be. */
  | { readonly kind: "uniform"; readonly low: number; readonly high: number; readonly as?: string }
  | { readonly kind: "normal"; readonly mean: number; readonly standardDeviation: number };

export interface TensorSpec {
  /** Unique within the model, e.g. `digits/encoder/0/kernel`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
  /** Its first values are those of a tensor of this name, and so is its learning rate; its own name when absent. */
  readonly drawnAs?: string;
  /**
   * The tensor is no weight but an exponential moving average of this decay, and what workers send in its gradient's place
   * is the step's statistic that it averages, summed over micro-batches and tasks.
   */
  readonly movingAverage?: { readonly decay: number };
}

/** A set of tensors with the tasks that use it; *shared* when more than one does. */
export interface GroupSpec {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly tensors: readonly TensorSpec[];
  /** Groups of one family have the same tensors, one group per task, and are related by Ω; their blocks live together. */
  readonly family?: string;
  /** Of every group of a family whose Ω needs all of it at once: the family lies on one shard. */
  readonly whole?: boolean;
  /** A family that this group says something about, as T×T numbers that the server learns and no task reads. */
  readonly relates?: string | undefined;
}

export interface PlacedTensor extends TensorSpec {
  /** First number in its group. */
  readonly offset: number;
  readonly numbers: number;
}

export interface ParameterGroup {
  readonly index: number;
  readonly name: string;
  readonly tasks: readonly string[];
  readonly shared: boolean;
  readonly family: string | undefined;
  readonly whole: boolean;
  readonly relates: string | undefined;
  readonly tensors: readonly PlacedTensor[];
  /** Length of the group in numbers, padding included; padding is always zero. */
  readonly numbers: number;
  readonly blocks: number;
}

export interface ParameterLayout {
  readonly groups: readonly ParameterGroup[];
  /** Numbers over all groups, padding included. */
  readonly numbers: number;
  /** Numbers over all tensors, without padding: what people call the parameter count. */
  readonly parameters: number;
}

/**
 * Places tensors in groups: in the order given, each aligned.
 * @throws LayoutError on a duplicate name, an empty or impossible shape, or a family whose members differ.
 */
export function createLayout(specs: readonly GroupSpec[]): ParameterLayout {
  const groupNames = new Set<string>();
  const tensorNames = new Set<string>();
  const groups = specs.map((spec, index): ParameterGroup => {
    if (groupNames.has(spec.name)) throw new LayoutError(`two parameter groups are named "${spec.name}"`);
    groupNames.add(spec.name);
    let offset = 0;
    const tensors = spec.tensors.map((tensor): PlacedTensor => {
      if (tensorNames.has(tensor.name)) throw new LayoutError(`two tensors are named "${tensor.name}"`);
      tensorNames.add(tensor.name);
      const numbers = tensor.shape.reduce((product, size) => product * size, 1);
      if (!Number.isSafeInteger(numbers) || numbers <= 0)
        throw new LayoutError(
          `tensor "${tensor.name}" has the impossible shape [${tensor.shape.join(", ")}]`,
        );
      const placed = { ...tensor, offset, numbers };
      offset = Math.ceil((offset + numbers) / tensorAlignment) * tensorAlignment;
      return placed;
    });
    return {
      index,
      name: spec.name,
      tasks: spec.tasks,
      shared: spec.tasks.length > 1,
      family: spec.family,
      whole: spec.whole === true,
      relates: spec.relates,
      tensors,
      numbers: offset,
      blocks: Math.ceil(offset / blockNumbers),
    };
  });
  checkFamilies(groups);
  return {
    groups,
    numbers: groups.reduce((sum, group) => sum + group.numbers, 0),
    parameters: groups.reduce(
      (sum, group) => sum + group.tensors.reduce((n, tensor) => n + tensor.numbers, 0),
      0,
    ),
  };
}

/** The groups of each family, in layout order. */
export function familiesOf(
  layout: Pick<ParameterLayout, "groups">,
): ReadonlyMap<string, readonly ParameterGroup[]> {
  const families = new Map<string, ParameterGroup[]>();
  for (const group of layout.groups) {
    if (group.family === undefined) continue;
    const members = families.get(group.family);
    if (members) members.push(group);
    else families.set(group.family, [group]);
  }
  return families;
}

function checkFamilies(groups: readonly ParameterGroup[]): void {
  for (const [family, members] of familiesOf({ groups })) {
    const shapes = members.map((group) => group.tensors.map((tensor) => tensor.shape.join("x")).join(" "));
    const odd = shapes.findIndex((shape) => shape !== shapes[0]);
    if (odd > 0)
      throw new LayoutError(
        `parameter groups "${members[0]?.name}" and "${members[odd]?.name}" are to be related as "${family}" ` +
          `but their tensors differ: ${shapes[0]} and ${shapes[odd]}`,
      );
  }
}

/** The model's parameters cannot be laid out as asked. */
export class LayoutError extends Error {
  override readonly name = "LayoutError";
}
