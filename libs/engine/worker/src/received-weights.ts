import { type Arithmetic, type Codec, encodedBytes } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import { blockNumbers, type ParameterLayout } from "@latentweave/parameters";
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
}

/** Turns what shards send into weights. */
export interface ReceivedWeights {
  /**
   * @returns the slices' weights as they are now: views that hold until the next call
   * @throws ProtocolError where there are not as many bytes as numbers need, or changes are not the job's
   */
  take(slices: readonly ReceivedSlice[]): Slices;
}

/** Where every broadcast is of whole weights. */
export function createWholeWeights(): ReceivedWeights {
  return { take: (slices) => slices.map(wholeSlice) };
}

/**
 * Where changes come encoded: keeps the newest weights on this side, and adds to them by the adder that the parameter
 * server made the version with, so that they are the same bits.
 */
export function createChangedWeights(
  arithmetic: Arithmetic,
  layout: ParameterLayout,
  codec: Codec,
): ReceivedWeights {
  const groups = new Map<number, number>();
  const room = arithmetic.allocate(encodedBytes(codec, blockNumbers));
  const change = arithmetic.allocate(blockNumbers * 4);

  const pointerOf = ({ group, start, numbers }: ReceivedSlice): number => {
    const all = layout.groups[group]?.numbers ?? 0;
    if (start + numbers > all) throw new ProtocolError(`group ${group} has ${all} numbers`);
    let pointer = groups.get(group);
    if (pointer === undefined) groups.set(group, (pointer = arithmetic.allocate(all * 4)));
    return pointer + start * 4;
  };
  const add = (pointer: number, { numbers, bytes }: ReceivedSlice): void => {
    if (bytes.byteLength !== encodedBytes(codec, numbers))
      throw new ProtocolError("a broadcast change has the wrong length");
    for (let offset = 0; offset < numbers; offset += blockNumbers) {
      const count = Math.min(blockNumbers, numbers - offset);
      const first = encodedBytes(codec, offset);
      const part = bytes.subarray(first, first + encodedBytes(codec, count));
      arithmetic.u8(room, part.length).set(part);
      arithmetic.decode(codec, change, room, count);
      arithmetic.add(pointer + offset * 4, pointer + offset * 4, change, count);
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
