import type { Programs, ProgramValues } from "@latentweave/native";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { NotRepeatable, record, type RecordedSource } from "./recording.ts";
import { difference, type Origin, type Repeatable, RepeatedProgram } from "./repeated-program.ts";

/** One time that the work is done. */
export interface Occasion {
  /** Arrays of this occasion alone; the work makes its tensors of these very arrays. */
  readonly inputs: readonly ProgramValues[];
  /** Arrays that the work has drawn, by what says how to draw them again. */
  readonly drawn: ReadonlyMap<ProgramValues, string>;
  readonly draw: (key: string) => ProgramValues;
  /** Float32 tensors. */
  readonly work: () => readonly Tensor[];
  /** Where the numbers may be put. */
  readonly room?: ArrayBufferLike | undefined;
}

export interface Numbers {
  /** Of the work's tensors, one after the other; nobody else holds them, unless they were put where they might be. */
  readonly values: Float32Array;
  readonly readBackMs: number;
  /** They would have been put into a room of so many bytes. */
  readonly roomBytes?: number;
}

/** Memory in which numbers change between occasions; there may be several of one layout, one in use at a time. */
export interface WorkMemory {
  /** Whether an array is a view of the one in use. */
  readonly owns: (values: ProgramValues) => boolean;
  /** The view of the one in use at the place of this view of any of them. */
  readonly at: (values: ProgramValues) => ProgramValues;
  /** Makes the work make its tensors of it anew. */
  readonly renew: () => void;
}

/** What one occasion has taught. */
interface Learnt {
  readonly programs: Programs;
  readonly repeatable: Repeatable;
  readonly resultBytes: readonly number[];
}

/** After so many occasions that could not be repeated it is not tried again. */
const mostAttempts = 3;

/**
 * Work that is done over and over with other numbers: at first operation by operation, as TensorFlow.js does it. Once
 * two occasions in a row were the same in all but what may differ, and a program made of them has given the same bits
 * beside the second, the program does it in one call.
 */
export class RepeatedWork {
  readonly #tf: Tf;
  readonly #programs: Programs | undefined;
  readonly #memory: WorkMemory;
  #attempts = 0;
  #before: Repeatable | undefined;
  #program: RepeatedProgram | undefined;

  /**
   * @param programs undefined where there are none
   */
  constructor(tf: Tf, programs: Programs | undefined, memory: WorkMemory) {
    this.#tf = tf;
    this.#programs = programs;
    this.#memory = memory;
  }

  async numbers(occasion: Occasion): Promise<Numbers> {
    if (this.#program) {
      const numbers = this.#program.run(occasion.inputs, occasion.draw, this.#memory.at, occasion.room);
      return { ...numbers, roomBytes: numbers.values.byteLength };
    }
    const { flat, learnt } = this.#start(occasion);
    const startedMs = performance.now();
    try {
      const values = await flat.data<"float32">();
      const numbers = { values, readBackMs: performance.now() - startedMs };
      if (learnt) this.#learn(learnt, occasion, values);
      return numbers;
    } finally {
      flat.dispose();
    }
  }

  #start({ inputs, drawn, work }: Occasion): { readonly flat: Tensor; readonly learnt?: Learnt } {
    const tf = this.#tf;
    const programs = this.#attempts < mostAttempts ? this.#programs : undefined;
    if (!programs) return { flat: tf.tidy(() => tf.concat1d(work() as never)) };
    this.#attempts += 1;
    this.#memory.renew();
    let learnt: Learnt | undefined;
    // Handed out past the scope, which would look for tensors in every number of the recording's arrays.
    const flat = tf.tidy(() => {
      const { tensors, recording } = record(tf, work);
      if (!(recording instanceof NotRepeatable)) {
        const resultBytes = tensors.map(({ size }) => size * Float32Array.BYTES_PER_ELEMENT);
        const origins = recording.sources.map((source) => this.#originOf(source, inputs, drawn));
        learnt = { programs, repeatable: { recording, origins }, resultBytes };
      }
      return tf.concat1d(tensors as never);
    });
    return { flat, ...(learnt && { learnt }) };
  }

  #originOf(
    { values }: RecordedSource,
    inputs: readonly ProgramValues[],
    drawn: ReadonlyMap<ProgramValues, string>,
  ): Origin {
    const index = inputs.indexOf(values);
    if (index >= 0) return { kind: "input", index };
    const key = drawn.get(values);
    if (key !== undefined) return { kind: "draw", key };
    return this.#memory.owns(values) ? { kind: "memory" } : { kind: "constant" };
  }

  /** A program that does not give the same bits, or none at all, is one that there is not. */
  #learn(
    { programs, repeatable, resultBytes }: Learnt,
    { inputs, draw }: Occasion,
    values: Float32Array,
  ): void {
    const before = this.#before;
    this.#before = repeatable;
    if (!before || difference(before, repeatable) !== undefined) return;
    try {
      const program = new RepeatedProgram(programs, repeatable, resultBytes);
      const again = program.run(inputs, draw, this.#memory.at).values;
      if (Buffer.compare(bytesOf(again), bytesOf(values)) === 0) this.#program = program;
    } catch {
      // The work is done as before.
    }
    this.#attempts = mostAttempts;
    this.#before = undefined;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
