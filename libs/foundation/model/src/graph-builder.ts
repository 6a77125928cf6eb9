import type { Initialiser } from "@latentweave/parameters";
import { UserError } from "@latentweave/protocol";
import type { CategoryBlock } from "./description.ts";
import type { GraphNode, ParameterRef } from "./graph.ts";
import type { GroupCollection } from "./group-collection.ts";
import { countNumbers, inferLayer, show } from "./infer-layer.ts";
import { type CompleteLayer, completeLayer } from "./layer-defaults.ts";
import type { ActivationName, LayerSpec, UserLayer } from "./layers.ts";

/** Where a sequence of layers comes from, for names and for error messages. */
export interface SequencePlace {
  /** Parameter group of its tensors, and the start of its layers' names. */
  readonly group: string;
  /** Field of the job, e.g. `tasks.digits.encoder`. */
  readonly field: string;
  /** By the layer's name: the kernel of another dense layer that it uses transposed, and where that one stands. */
  readonly tied?: ReadonlyMap<string, TiedKernel>;
  /** Where layers are applied to several values: what tells this application from the others. */
  readonly application?: LayerApplication;
}

export interface LayerApplication {
  /** Behind the names by which the layers draw, so that they draw anew. */
  readonly drawnAs?: string;
  /** Their parameters learn nothing by it. */
  readonly frozen?: true;
}

export interface TiedKernel {
  readonly tensor: ParameterRef;
  /** [inputs, units] of the layer that owns it. */
  readonly shape: readonly number[];
  readonly owner: string;
}

const zeros: Initialiser = { kind: "constant", value: 0 };

interface Operation {
  readonly layer: CompleteLayer;
  readonly name: string;
  readonly where: string;
}

/** Writes down one task's computation, node by node. */
export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly #groups: GroupCollection;
  readonly #userLayers: Readonly<Record<string, UserLayer>>;

  constructor(groups: GroupCollection, userLayers: Readonly<Record<string, UserLayer>>) {
    this.#groups = groups;
    this.#userLayers = userLayers;
  }

  input(shape: readonly number[]): number {
    return this.#push({ id: this.nodes.length, op: "input", shape });
  }

  /** Joins rows of numbers end to end. */
  concat(from: readonly number[]): number {
    const numbers = from.reduce((sum, id) => sum + countNumbers(this.shapeOf(id)), 0);
    return this.#push({ id: this.nodes.length, op: "concat", from, shape: [numbers] });
  }

  /** Of nodes of one shape. */
  sum(from: readonly [number, ...number[]]): number {
    return this.#push({ id: this.nodes.length, op: "sum", from, shape: this.shapeOf(from[0]) });
  }

  /** @param experts of one shape. @param gate a row of as many numbers */
  mixture(gate: number, experts: readonly [number, ...number[]]): number {
    const shape = this.shapeOf(experts[0]);
    return this.#push({ id: this.nodes.length, op: "mixture", gate, from: experts, shape });
  }

  /**
   * One row of a cross-stitch unit over columns of one shape.
   * @param start what each column counts before anything is learned
   */
  stitch(
    columns: readonly [number, ...number[]],
    row: number,
    start: readonly number[],
    { group, name }: { readonly group: string; readonly name: string },
  ): number {
    const count = columns.length;
    const tensor = `${name}/weights`;
    this.#groups.add(group, { name: tensor, shape: [count, count], initialiser: zeros });
    return this.#push({
      ...{ id: this.nodes.length, op: "stitch", row, start, from: columns },
      shape: this.shapeOf(columns[0]),
      parameters: [{ role: "weights", group, tensor }],
    });
  }

  /** Scales and shifts the channels by what shared tensors make of the task's embedding; at first it changes nothing. */
  film(
    from: number,
    embedding: { readonly group: string; readonly numbers: number },
    { group, name }: { readonly group: string; readonly name: string },
  ): number {
    const shape = this.shapeOf(from);
    const { numbers } = embedding;
    const own = `${embedding.group}/vector`;
    // Of unit variance: with tensors of zeros behind it, an embedding of zeros would never learn.
    this.#groups.add(embedding.group, {
      ...{ name: own, shape: [numbers] },
      initialiser: { kind: "normal", mean: 0, standardDeviation: 1 },
    });
    for (const role of ["scale", "shift"])
      this.#groups.add(group, {
        ...{ name: `${name}/${role}`, shape: [numbers, shape.at(-1) ?? 1], initialiser: zeros },
      });
    return this.#push({
      ...{ id: this.nodes.length, op: "film", from, shape },
      parameters: [
        { role: "embedding", group: embedding.group, tensor: own },
        { role: "scale", group, tensor: `${name}/scale` },
        { role: "shift", group, tensor: `${name}/shift` },
      ],
    });
  }

  /** @returns nodes of a mask of squares, and of what it leaves of the images */
  patches(
    from: number,
    { size, rate }: { readonly size: number; readonly rate: number },
    name: string,
  ): { readonly mask: number; readonly masked: number } {
    const shape = this.shapeOf(from);
    const mask = this.#push({ id: this.nodes.length, op: "patchMask", from, size, rate, name, shape });
    return { mask, masked: this.#push({ id: this.nodes.length, op: "masked", from: [from, mask], shape }) };
  }

  noise(from: number, noise: (GraphNode & { op: "noise" })["noise"], name: string): number {
    return this.#push({ id: this.nodes.length, op: "noise", from, noise, name, shape: this.shapeOf(from) });
  }

  /** A normal draw between a mean and the logarithm of a variance, so many times for each row. */
  sample(
    mean: number,
    logVariance: number,
    samples: number,
    name: string,
  ): { readonly draw: number; readonly sample: number } {
    const shape = this.shapeOf(mean);
    const draw = this.#push({ id: this.nodes.length, op: "draw", from: mean, samples, name, shape });
    const from = [mean, logVariance, draw] as const;
    return { draw, sample: this.#push({ id: this.nodes.length, op: "sample", from, shape }) };
  }

  /** Standard normal numbers as those of a row of numbers. @param name keys them */
  prior(from: number, name: string): number {
    return this.#push({ id: this.nodes.length, op: "prior", from, name, shape: this.shapeOf(from) });
  }

  detach(from: number): number {
    return this.#push({ id: this.nodes.length, op: "detach", from, shape: this.shapeOf(from) });
  }

  /** Probabilities of logits, block by block along the last axis. */
  categories(from: number, blocks: readonly CategoryBlock[]): number {
    return this.#push({ id: this.nodes.length, op: "categories", from, blocks, shape: this.shapeOf(from) });
  }

  /** One number that a loss reads. */
  scalar(group: string, role: string): ParameterRef {
    const tensor = `${group}/${role}`;
    this.#groups.add(group, { name: tensor, shape: [1], initialiser: zeros });
    return { role, group, tensor };
  }

  /**
   * @param codebook its group, and its shape, [codes, numbers of a vector]
   * @param average of codes that are moving averages
   */
  quantise(
    from: number,
    { group, shape }: { readonly group: string; readonly shape: readonly [number, number] },
    average?: { readonly decay: number },
  ): { readonly quantised: number; readonly codebook: ParameterRef; readonly counts?: ParameterRef } {
    const parameters = average ? this.#averagedCodes(group, shape, average) : this.#codes(group, shape);
    const quantised = this.#push({
      id: this.nodes.length,
      op: "quantise",
      ...{ from, parameters, shape: this.shapeOf(from) },
    });
    const [codebook, counts] = parameters;
    return { quantised, codebook, ...(counts && { counts }) };
  }

  #codes(group: string, shape: readonly [number, number]): readonly [ParameterRef] {
    const tensor = `${group}/codes`;
    this.#groups.add(group, { name: tensor, shape, initialiser: firstCodes(shape) });
    return [{ role: "codebook", group, tensor }];
  }

  /** Each code begins as the sum of one vector, which is where it would begin without averages. */
  #averagedCodes(
    group: string,
    shape: readonly [number, number],
    movingAverage: { readonly decay: number },
  ): readonly [ParameterRef, ParameterRef] {
    const [sums, counts] = [`${group}/sums`, `${group}/counts`];
    const initialiser = { ...firstCodes(shape), as: `${group}/codes` };
    this.#groups.add(group, { ...{ name: sums, shape, initialiser, movingAverage } });
    this.#groups.add(group, {
      ...{ name: counts, shape: [shape[0]], initialiser: { kind: "constant", value: 1 }, movingAverage },
    });
    return [
      { role: "sums", group, tensor: sums },
      { role: "counts", group, tensor: counts },
    ];
  }

  /**
   * Layers one after the other, their activations as nodes of their own.
   * @param first number of the first of them, for names and messages
   * @returns the last node
   */
  sequence(from: number, layers: readonly LayerSpec[], place: SequencePlace, first = 0): number {
    const operations = layers.flatMap((layer, at) =>
      split(completeLayer(layer), `${place.group}/${first + at}`, `${place.field}[${first + at}]`),
    );
    return sigmoidLast(operations).reduce((id, operation) => this.#operation(id, operation, place), from);
  }

  /** A dense layer that the model itself adds; samples that are not yet a row of numbers are flattened for it. */
  dense(from: number, units: number, activation: ActivationName, name: string, place: SequencePlace): number {
    const flat =
      this.shapeOf(from).length === 1
        ? from
        : this.#operation(
            from,
            { layer: { kind: "flatten" }, name: `${name}/flatten`, where: place.field },
            place,
          );
    const layer = completeLayer({ kind: "dense", units, activation });
    return split(layer, name, place.field).reduce(
      (id, operation) => this.#operation(id, operation, place),
      flat,
    );
  }

  node(id: number): GraphNode {
    const node = this.nodes[id];
    if (!node) throw new RangeError(`graph has no node ${id}`);
    return node;
  }

  shapeOf(id: number): readonly number[] {
    return this.node(id).shape;
  }

  #operation(from: number, { layer, name, where }: Operation, place: SequencePlace): number {
    const { shape, tensors } = inferLayer(layer, this.shapeOf(from), where, this.#userLayers);
    if (countNumbers(shape) > 2_147_483_648)
      throw new UserError({
        where,
        what: `its output ${show(shape)} has too many numbers`,
        mend: "make it smaller",
      });
    const tied = place.tied?.get(name);
    const parameters = tensors.map(({ role, shape: own, initialiser }): ParameterRef => {
      if (tied && role === "kernel") {
        checkTied(tied, own, where);
        return { ...tied.tensor, role: "tiedKernel" };
      }
      this.#groups.add(place.group, { name: `${name}/${role}`, shape: own, initialiser });
      return { role, group: place.group, tensor: `${name}/${role}` };
    });
    const { drawnAs = "", frozen } = place.application ?? {};
    return this.#push({
      id: this.nodes.length,
      op: "layer",
      from,
      layer,
      name: `${name}${drawnAs}`,
      shape,
      parameters,
      ...(frozen && { frozen }),
    });
  }

  #push(node: GraphNode): number {
    this.nodes.push(node);
    return node.id;
  }
}

/** As its authors begin it: small beside what is encoded, so that all codes are near to some vector. */
function firstCodes([codes]: readonly [number, number]): Initialiser & { kind: "uniform" } {
  return { kind: "uniform", low: -1 / codes, high: 1 / codes };
}

function checkTied({ shape, owner }: TiedKernel, [inputs, units]: readonly number[], where: string): void {
  if (shape[0] === units && shape[1] === inputs) return;
  throw new UserError({
    where,
    what: `leads from ${inputs} numbers to ${units}, but ${owner}, with which it shares its kernel, from ${shape[0]} to ${shape[1]}`,
    expected: `a dense layer from ${shape[1]} numbers to ${shape[0]}: the decoder goes back the way that the encoder came`,
    mend: "change its units, or set tied: false",
  });
}

/** A layer and, where it has one, its activation. */
function split(layer: CompleteLayer, name: string, where: string): Operation[] {
  if (!("activation" in layer) || layer.kind === "activation" || layer.activation === "linear")
    return [{ layer, name, where }];
  return [
    { layer: { ...layer, activation: "linear" }, name, where },
    { layer: { kind: "activation", activation: layer.activation }, name: `${name}/activation`, where },
  ];
}

/**
 * A sigmoid that is only reshaped afterwards is moved behind the reshaping: same numbers, and binary cross-entropy
 * finds the logits right before it.
 */
function sigmoidLast(operations: readonly Operation[]): readonly Operation[] {
  const index = operations.findLastIndex(({ layer }) => layer.kind !== "reshape" && layer.kind !== "flatten");
  const candidate = operations[index];
  if (candidate?.layer.kind !== "activation" || candidate.layer.activation !== "sigmoid") return operations;
  return [...operations.slice(0, index), ...operations.slice(index + 1), candidate];
}
