import {
  type Arithmetic,
  type Codec,
  encodedBytes,
  type FeedbackCodec,
  feedbackBytes,
  feedbackKernels,
  mostFeedbackBytes,
} from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import { blockNumbers, type ParameterLayout } from "@latentweave/parameters";
import { autoCodecs, type RunSpec } from "@latentweave/plan";
import { ProtocolError } from "@latentweave/protocol";

type Slices = Parameters<Compute["setParameters"]>[0];

/** A slice as a shard sent it. */
export interface ReceivedSlice {
  readonly group: number;
  readonly start: number;
  readonly numbers: number;
  /** Float32 numbers; or, where it `isChange`, the encoded change from what was there. */
  readonly bytes: Uint8Array;
  readonly isChange: boolean;
  /** Of a change that is not the whole change. */
  readonly codec?: "int8" | "topk" | undefined;
}

/** Turns what shards send into weights. */
export interface ReceivedWeights {
  /**
   * @returns the slices' weights as they are now: views that hold until the next call
   * @throws ProtocolError where there are not as many bytes as numbers need, or changes are not the job's
   */
  take(slices: readonly ReceivedSlice[]): Slices;
}

/** As the job has its broadcasts. */
export function receivedWeights(
  spec: Pick<RunSpec, "compression">,
  layout: ParameterLayout,
  arithmetic: Arithmetic,
): ReceivedWeights {
  const { compression } = spec;
  const feedback = compression?.broadcastFeedback ? [compression.broadcastFeedback] : autoCodecs(spec);
  if (feedback.length > 0) return createChangedWeights(arithmetic, layout, partial(arithmetic, feedback));
  return compression?.broadcast
    ? createChangedWeights(arithmetic, layout, rounded(arithmetic, compression.broadcast.codec))
    : createWholeWeights();
}

/** What an encoded change does to the numbers of a block. */
interface Change {
  /** Bytes of so many numbers. */
  bytes(numbers: number): number;
  /** Adds a block's bytes, which lie at `room`. */
  add(pointer: number, room: number, numbers: number): void;
}

/** @throws ProtocolError where the job does not have such changes */
type Changes = (kind: ReceivedSlice["codec"]) => Change;

function rounded(arithmetic: Arithmetic, codec: Codec): Changes {
  const room = arithmetic.allocate(blockNumbers * 4);
  const change: Change = {
    bytes: (numbers) => encodedBytes(codec, numbers),
    add(pointer, encoded, numbers) {
      arithmetic.decode(codec, room, encoded, numbers);
      arithmetic.add(pointer, pointer, room, numbers);
    },
  };
  return () => change;
}

function partial(arithmetic: Arithmetic, codecs: readonly FeedbackCodec[]): Changes {
  const kernels = feedbackKernels(arithmetic);
  return (kind) => {
    const codec = codecs.find((one) => one.kind === kind);
    if (!codec) throw new ProtocolError(`the job does not have changes encoded with "${kind ?? "nothing"}"`);
    return {
      bytes: (numbers) => feedbackBytes(codec, numbers),
      add: (pointer, room, numbers) => kernels.add(codec, pointer, room, numbers),
    };
  };
}

/** Where every broadcast is of whole weights. */
function createWholeWeights(): ReceivedWeights {
  return { take: (slices) => slices.map(wholeSlice) };
}

/**
 * Where changes come encoded: keeps the newest weights on this side, and adds to them by the adder that the parameter
 * server made the version with, so that they are the same bits.
 */
function createChangedWeights(
  arithmetic: Arithmetic,
  layout: ParameterLayout,
  changes: Changes,
): ReceivedWeights {
  const groups = new Map<number, number>();
  const room = arithmetic.allocate(mostFeedbackBytes(blockNumbers));

  const pointerOf = ({ group, start, numbers }: ReceivedSlice): number => {
    const all = layout.groups[group]?.numbers ?? 0;
    if (start + numbers > all) throw new ProtocolError(`group ${group} has ${all} numbers`);
    let pointer = groups.get(group);
    if (pointer === undefined) groups.set(group, (pointer = arithmetic.allocate(all * 4)));
    return pointer + start * 4;
  };
  const add = (pointer: number, { numbers, bytes, codec }: ReceivedSlice): void => {
    const change = changes(codec);
    if (bytes.byteLength !== change.bytes(numbers))
      throw new ProtocolError("a broadcast change has the wrong length");
    for (let offset = 0; offset < numbers; offset += blockNumbers) {
      const count = Math.min(blockNumbers, numbers - offset);
      const first = change.bytes(offset);
      const part = bytes.subarray(first, first + change.bytes(count));
      arithmetic.u8(room, part.length).set(part);
      change.add(pointer + offset * 4, room, count);
    }
  };

  return {
    take(slices) {
      // All of the memory is there before any view of it is made.
      const pointers = slices.map(pointerOf);
      return slices.map((slice, place) => {
        const { group, start, numbers } = slice;
        const pointer = pointers[place] as number;
        if (slice.isChange) {
          add(pointer, slice);
          return { group, start, values: arithmetic.f32(pointer, numbers) };
        }
        const whole = wholeSlice(slice);
        arithmetic.u8(pointer, numbers * 4).set(slice.bytes);
        return whole;
      });
    },
  };
}

function wholeSlice({ group, start, numbers, bytes, isChange }: ReceivedSlice): Slices[number] {
  if (isChange) throw new ProtocolError("the job does not round what its steps change");
  if (bytes.byteLength !== numbers * 4) throw new ProtocolError("a broadcast slice has the wrong length");
  // A view, at a multiple of 8 as all slices are: whoever sets parameters copies them before it returns.
  return { group, start, values: new Float32Array(bytes.buffer, bytes.byteOffset, numbers) };
}
