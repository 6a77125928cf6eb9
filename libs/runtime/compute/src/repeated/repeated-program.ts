import type { ProgramHandle, Programs, ProgramValues } from "@latentweave/native";
import type { OperationAttribute } from "../layers/native-tensorflow.ts";
import { NotRepeatable, type Recording, type RecordedSource } from "./recording.ts";

/** Where the numbers of a source come from when the work is done again. */
export type Origin =
  /** The same as ever. */
  | { readonly kind: "constant" }
  /** What lies in the same memory by then. */
  | { readonly kind: "memory" }
  /** An array that the caller gives, by its place. */
  | { readonly kind: "input"; readonly index: number }
  /** Drawn for the micro-batch; equal keys draw alike. */
  | { readonly kind: "draw"; readonly key: string };

/** A recording of which it is known where its numbers come from. */
export interface Repeatable {
  readonly recording: Recording;
  /** By source. */
  readonly origins: readonly Origin[];
}

/** Why the two did not do the same with what may differ; undefined when they did. */
export function difference(one: Repeatable, other: Repeatable): string | undefined {
  const [a, b] = [one.recording, other.recording];
  if (!isSame([a.operations, a.results], [b.operations, b.results]))
    return "its operations differ from time to time";
  if (a.sources.length !== b.sources.length || !isSame(one.origins, other.origins))
    return "its numbers come from elsewhere from time to time";
  for (const [place, source] of a.sources.entries()) {
    const twin = b.sources[place] as RecordedSource;
    if (!isSame([source.slot, source.type, source.shape], [twin.slot, twin.type, twin.shape]))
      return "its tensors differ from time to time";
    const { kind } = one.origins[place] as Origin;
    if (kind === "constant" && !isSameBytes(source.values, twin.values))
      return "numbers that it makes by itself differ from time to time";
    if (kind === "memory" && !isSamePlace(source.values, twin.values)) return "its parameters move";
  }
  return undefined;
}

/** One that can be run again: everything in one call, in the order of the recording, without what leads to no result. */
export class RepeatedProgram {
  readonly #programs: Programs;
  readonly #handle: ProgramHandle;
  readonly #given: readonly { readonly source: RecordedSource; readonly origin: Origin }[];
  readonly #bytes: number;

  /** @throws NotRepeatable when an attribute is of a kind that programs do not have. */
  constructor(programs: Programs, { recording, origins }: Repeatable, resultBytes: readonly number[]) {
    this.#programs = programs;
    const { slots, sources, operations, results } = recording;
    this.#handle = programs.create(slots);
    const needed = new Set(results);
    const kept = operations.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some((slot) => needed.has(slot))) return false;
      for (const slot of inputs) needed.add(slot);
      return true;
    });
    kept.reverse();
    const given: { source: RecordedSource; origin: Origin }[] = [];
    for (const [place, source] of sources.entries()) {
      if (!needed.has(source.slot)) continue;
      const origin = origins[place] as Origin;
      const values = origin.kind === "constant" ? source.values : undefined;
      programs.source(this.#handle, source.slot, source.type, Int32Array.from(source.shape), values);
      if (values === undefined) given.push({ source, origin });
    }
    this.#given = given;
    const done = lastUses(kept, new Set(results));
    for (const [place, { name, inputs, outputs, attributes }] of kept.entries()) {
      programs.operation(
        this.#handle,
        name,
        Int32Array.from(inputs),
        Int32Array.from(outputs),
        Int32Array.from(done[place] ?? []),
      );
      for (const { name: attribute, type, value } of attributes)
        programs.attribute(this.#handle, attribute, type, attributeValue(type, value));
    }
    let offset = 0;
    for (const [place, slot] of results.entries()) {
      programs.result(this.#handle, slot, offset);
      offset += resultBytes[place] ?? 0;
    }
    this.#bytes = offset;
  }

  /**
   * The results, one after the other, and how long they took to copy.
   * @param room where they are put if there is enough of it; else they are in memory that nobody else holds
   */
  run(
    inputs: readonly ProgramValues[],
    draw: (key: string) => ProgramValues,
    memory: (values: ProgramValues) => ProgramValues,
    room?: ArrayBufferLike,
  ): { readonly values: Float32Array; readonly readBackMs: number } {
    const values = this.#given.map(({ source, origin }) => {
      if (origin.kind === "input") return inputs[origin.index] as ProgramValues;
      if (origin.kind === "memory") return memory(source.values);
      return origin.kind === "draw" ? draw(origin.key) : source.values;
    });
    // Not filled with zeros, for all of it is written.
    const buffer = room && room.byteLength >= this.#bytes ? room : Buffer.allocUnsafeSlow(this.#bytes).buffer;
    const out = new Float32Array(buffer, 0, this.#bytes / Float32Array.BYTES_PER_ELEMENT);
    const readBackMs = this.#programs.run(this.#handle, values, new Uint8Array(buffer, 0, this.#bytes));
    return { values: out, readBackMs };
  }
}

/** By operation: the slots that are used there for the last time, results excepted. */
function lastUses(
  operations: readonly { readonly inputs: readonly number[]; readonly outputs: readonly number[] }[],
  results: ReadonlySet<number>,
): readonly (readonly number[])[] {
  const seen = new Set(results);
  return operations
    .toReversed()
    .map(({ inputs, outputs }) =>
      [...new Set([...inputs, ...outputs])].filter((slot) => {
        const isLast = !seen.has(slot);
        seen.add(slot);
        return isLast;
      }),
    )
    .reverse();
}

/** TF_ATTR_INT and TF_ATTR_SHAPE. */
const listKinds = [1, 5];

function attributeValue(
  kind: number,
  value: OperationAttribute["value"],
): number | boolean | string | Int32Array {
  if (typeof value !== "object") return value;
  if (listKinds.includes(kind)) return Int32Array.from(value);
  throw new NotRepeatable("an attribute is a list of something else than whole numbers");
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function bytesOf({ buffer, byteOffset, byteLength }: ProgramValues): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function isSameBytes(one: ProgramValues, other: ProgramValues): boolean {
  return Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
}

/** Of what may be several memories of one layout. */
function isSamePlace(one: ProgramValues, other: ProgramValues): boolean {
  return one.byteOffset === other.byteOffset && one.length === other.length;
}
