import { addAgreement, type Agreement, type CodecChoice, createCodecChoice } from "@latentweave/aggregation";
import {
  type Arithmetic,
  type FeedbackCodec,
  feedbackBytes,
  type FeedbackKernels,
  feedbackKernels,
} from "@latentweave/arithmetic";
import { blockNumbers } from "@latentweave/parameters";

/**
 * What this worker has left out of its pushes so far: it goes with the next ones (error feedback). It belongs to this
 * process, which is why bits then depend on who computes what; a worker that is lost takes it along, and so does the end
 * of the run.
 *
 * Invariants:
 * 1. What is handed in is sent or kept, to the rounding of float32: nothing is counted twice.
 * 2. Of a sum that is not finite nothing is kept (takeFeedback).
 * 3. Nothing is carried into another timeline, whose steps come before, or another phase, whose gradients are others.
 */
export interface Residuals {
  /** Where the job leaves the choice of the codec to this worker. */
  readonly choice: CodecChoice | undefined;
  /** Of one task in one round. */
  of(place: {
    readonly timeline: number;
    readonly phase: number;
    readonly round: number;
    readonly task: string;
  }): TaskResidual;
}

export interface TaskResidual {
  /** The one to encode with from now on. */
  readonly codec: FeedbackCodec;
  /**
   * Encodes a sum together with what was left out of the ones before it.
   * @param group within the task
   * @param at the sum, as bytes or at a pointer
   * @param agreement where it is to be known how well what is sent agrees with this sum alone
   * @returns bytes of their own
   */
  take(group: number, at: Uint8Array | number, numbers: number, agreement: Agreement | undefined): Uint8Array;
}

/** @param codecs one, or those to choose from */
export function createResiduals(
  arithmetic: Arithmetic,
  codecs: readonly [FeedbackCodec, ...FeedbackCodec[]],
): Residuals {
  const kernels = feedbackKernels(arithmetic);
  const choice = codecs.length > 1 ? createCodecChoice(codecs) : undefined;
  const chosen = (): FeedbackCodec => choice?.codec ?? codecs[0];
  const kept = new Map<string, { readonly pointer: number; readonly numbers: number }>();
  let of: { readonly timeline: number; readonly phase: number } | undefined;

  const startOver = (): void => {
    for (const { pointer, numbers } of kept.values()) arithmetic.free(pointer, numbers * 4);
    kept.clear();
  };
  const pointerOf = (name: string, numbers: number): number => {
    let found = kept.get(name);
    if (!found) {
      kept.set(name, (found = { pointer: arithmetic.allocate(numbers * 4), numbers }));
      arithmetic.fill(found.pointer, 0, numbers);
    }
    return found.pointer;
  };

  return {
    choice,
    of: ({ timeline, phase, round, task }) => ({
      get codec() {
        return chosen();
      },
      take(group, at, numbers, agreement) {
        if (of?.timeline !== timeline || of.phase !== phase) startOver();
        of = { timeline, phase };
        const left = pointerOf(JSON.stringify([round, task, group]), numbers);
        if (typeof at === "number") arithmetic.add(left, left, at, numbers);
        else arithmetic.addBytes(left, left, at);
        const codec = chosen();
        const bytes = feedbackBytes(codec, numbers);
        const room = arithmetic.allocate(bytes);
        kernels.take(codec, room, left, numbers);
        if (agreement) addSent(arithmetic, kernels, agreement, codec, { at, room, numbers });
        const encoded = arithmetic.u8(room, bytes).slice();
        arithmetic.free(room, bytes);
        return encoded;
      },
    }),
  };
}

/** The agreement of a sum with what is sent in its place. */
function addSent(
  arithmetic: Arithmetic,
  kernels: FeedbackKernels,
  agreement: Agreement,
  codec: FeedbackCodec,
  {
    at,
    room,
    numbers,
  }: { readonly at: Uint8Array | number; readonly room: number; readonly numbers: number },
): void {
  const [exact, sent] = [0, 1].map(() => arithmetic.allocate(blockNumbers * 4)) as [number, number];
  for (let from = 0; from < numbers; from += blockNumbers) {
    const count = Math.min(blockNumbers, numbers - from);
    if (typeof at !== "number")
      arithmetic.u8(exact, count * 4).set(at.subarray(from * 4, (from + count) * 4));
    arithmetic.fill(sent, 0, count);
    kernels.add(codec, sent, room + feedbackBytes(codec, from), count);
    addAgreement(arithmetic, agreement, typeof at === "number" ? at + from * 4 : exact, sent, count);
  }
  for (const pointer of [exact, sent]) arithmetic.free(pointer, blockNumbers * 4);
}
