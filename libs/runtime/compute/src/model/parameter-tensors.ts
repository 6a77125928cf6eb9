import type { ParameterGroup, ParameterLayout, PlacedTensor } from "@latentweave/parameters";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import type { ParameterMemory } from "./parameter-memory.ts";

/** A slice of a group that has new numbers. */
export interface ChangedSlice {
  readonly group: number;
  readonly start: number;
  readonly length: number;
}

/**
 * Tensors over a parameter memory. A backend may use the memory in place or copy it when a tensor is first used; both
 * are right because a tensor whose numbers changed is thrown away and made anew, and memory changes only between calls.
 */
export class ParameterTensors {
  readonly #tf: Tf;
  readonly #layout: ParameterLayout;
  #memory: ParameterMemory;
  #version: string | undefined;
  readonly #groupsByName: ReadonlyMap<string, ParameterGroup>;
  readonly #tensors = new Map<string, Tensor>();

  constructor(tf: Tf, layout: ParameterLayout, memory: ParameterMemory) {
    this.#tf = tf;
    this.#layout = layout;
    this.#memory = memory;
    this.#groupsByName = new Map(layout.groups.map((group) => [group.name, group]));
  }

  group(name: string): ParameterGroup {
    const group = this.#groupsByName.get(name);
    if (!group) throw new Error(`the model's layout has no parameter group "${name}"`);
    return group;
  }

  /** @param version of the numbers there, where it says all that there is to know of them */
  use(memory: ParameterMemory, version?: string): void {
    if (memory === this.#memory && version === this.#version) return;
    this.dispose();
    this.#memory = memory;
    this.#version = version;
  }

  /** Numbers of the memory in use at the place of these, which may be of another one. */
  at(values: Float32Array): Float32Array {
    const { buffer } = this.#memory;
    return values.buffer === buffer ? values : new Float32Array(buffer, values.byteOffset, values.length);
  }

  /** Tells that the memory has new numbers there. */
  changed({ group: index, start, length }: ChangedSlice): void {
    for (const { name, offset, numbers } of this.#layout.groups[index]?.tensors ?? []) {
      if (offset >= start + length || offset + numbers <= start) continue;
      this.#tensors.get(name)?.dispose();
      this.#tensors.delete(name);
    }
  }

  /** The current tensor; valid until its numbers change. */
  tensor(group: ParameterGroup, placed: PlacedTensor): Tensor {
    const known = this.#tensors.get(placed.name);
    if (known) return known;
    const memory = this.#memory.groups[group.index];
    if (!memory) throw new Error(`no memory was given for parameter group "${group.name}"`);
    const values = memory.subarray(placed.offset, placed.offset + placed.numbers);
    const tensor = this.#tf.keep(this.#tf.tensor(values, [...placed.shape], "float32"));
    this.#tensors.set(placed.name, tensor);
    return tensor;
  }

  /** Whether these numbers lie in the parameters' memory. */
  owns(values: ArrayBufferView): boolean {
    return values.buffer === this.#memory.buffer && values instanceof Float32Array;
  }

  /** Whoever asks for one afterwards gets it made anew. */
  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}
