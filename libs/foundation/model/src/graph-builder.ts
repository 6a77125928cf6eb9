import { UserError } from "@latentweave/protocol";
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
}

export interface TiedKernel {
  readonly tensor: ParameterRef;
  /** [inputs, units] of the layer that owns it. */
  readonly shape: readonly number[];
  readonly owner: string;
}

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

  /** @param codebook its group, its name and its shape, [codes, numbers of a vector] */
  quantise(
    from: number,
    codebook: { readonly group: string; readonly name: string; readonly shape: readonly [number, number] },
  ): { readonly quantised: number; readonly tensor: ParameterRef } {
    const { group, name, shape } = codebook;
    // As its authors begin it: small beside what is encoded, so that all codes are near to some vector.
    const bound = 1 / shape[0];
    this.#groups.add(group, { name, shape, initialiser: { kind: "uniform", low: -bound, high: bound } });
    const tensor = { role: "codebook", group, tensor: name };
    const quantised = this.#push({
      id: this.nodes.length,
      op: "quantise",
      ...{ from, parameters: [tensor], shape: this.shapeOf(from) },
    });
    return { quantised, tensor };
  }

  /** Layers one after the other, their activations as nodes of their own. @returns the last node */
  sequence(from: number, layers: readonly LayerSpec[], place: SequencePlace): number {
    const operations = layers.flatMap((layer, index) =>
      split(completeLayer(layer), `${place.group}/${index}`, `${place.field}[${index}]`),
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
    return this.#push({
      id: this.nodes.length,
      op: "layer",
      from,
      layer,
      name,
      shape,
      parameters,
    });
  }

  #push(node: GraphNode): number {
    this.nodes.push(node);
    return node.id;
  }
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
