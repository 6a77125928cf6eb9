import { addAgreement, type Agreement } from "@latentweave/aggregation";
import { type Arithmetic, type Codec, encodedBytes, type FeedbackCodec } from "@latentweave/arithmetic";
import { blockNumbers } from "@latentweave/parameters";

/** The encoded change of one slice, so that whoever has the version before makes this one of it. */
export interface ChangeRounder {
  /**
   * For `numbers` numbers of a slice.
   * @param last there will be no other version to bring what is left out
   * @param agreement where it is to be known how well it agrees with the exact change
   */
  open(numbers: number, last: boolean, agreement: Agreement | undefined): RoundedChange;
}

/** A block of a slice: pointers to its numbers. */
export interface ChangedBlock {
  /** Of the version before. */
  readonly params: number;
  /** What the optimiser made; becomes the version. */
  readonly next: number;
  /** What the version before owes, and this one will; absent where nothing is ever owed. */
  readonly owed?: number | undefined;
  readonly nextOwed?: number | undefined;
  /** Room for one block. */
  readonly scratch: number;
  /** Of the block within the slice, whole blocks. */
  readonly offset: number;
  readonly numbers: number;
}

export interface RoundedChange {
  /** The weights that the optimiser goes on from: those of the version, and what it owes. */
  exact(block: Pick<ChangedBlock, "params" | "owed" | "numbers">): number;
  /** Rounds what the optimiser did: `next` becomes `params` and what is encoded. */
  round(block: ChangedBlock): void;
  /** Undefined where the numbers themselves are to be sent. */
  readonly encoded: Uint8Array | undefined;
  /** Where whoever receives it cannot know from the job: what it is encoded with. */
  readonly kind?: FeedbackCodec["kind"];
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
    open(all, _last, agreement) {
      const encoded = new Uint8Array(encodedBytes(codec, all));
      return {
        encoded,
        exact: ({ params }) => params,
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
