import { addAgreement, type Agreement } from "@latentweave/aggregation";
import { type Arithmetic, type Codec, encodedBytes } from "@latentweave/arithmetic";
import { blockNumbers } from "@latentweave/parameters";

/** The encoded change of one slice, so that whoever has the version before makes this one of it. */
export interface ChangeRounder {
  /** For `numbers` numbers of a slice. `agreement`: where it is to be known how well it agrees with the exact change. */
  open(numbers: number, agreement: Agreement | undefined): RoundedChange;
}

export interface RoundedChange {
  /**
   * Rounds what a block's update does: `next` becomes `params` + decode(encode(`next` − `params`)).
   * @param offset of the block within the slice, whole blocks
   * @param scratch room for one block
   */
  round(block: {
    readonly params: number;
    readonly next: number;
    readonly scratch: number;
    readonly offset: number;
    readonly numbers: number;
  }): void;
  readonly encoded: Uint8Array;
}

/**
 * Broadcasts are compressed by rounding the update itself: version n+1 *is* version n plus what the codec makes of the
 * optimiser's change. So it follows from version n and the encoded bytes by one float32 addition, wherever that is made,
 * and nobody needs to remember what was lost.
 */
export function createChangeRounder(arithmetic: Arithmetic, codec: Codec): ChangeRounder {
  const blockBytes = encodedBytes(codec, blockNumbers);
  const room = arithmetic.allocate(blockBytes);
  const change = arithmetic.allocate(blockNumbers * 4);
  return {
    open(all, agreement) {
      const encoded = new Uint8Array(encodedBytes(codec, all));
      return {
        encoded,
        round({ params, next, scratch, offset, numbers }) {
          arithmetic.scaleInto(scratch, params, -1, numbers);
          arithmetic.add(scratch, next, scratch, numbers);
          arithmetic.encode(codec, room, scratch, numbers);
          arithmetic.decode(codec, change, room, numbers);
          arithmetic.add(next, params, change, numbers);
          if (agreement) addAgreement(arithmetic, agreement, scratch, change, numbers);
          encoded.set(arithmetic.u8(room, encodedBytes(codec, numbers)), encodedBytes(codec, offset));
        },
      };
    },
  };
}
