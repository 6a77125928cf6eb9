import type { Compute } from "@latentweave/model";
import type { Arithmetic } from "@latentweave/arithmetic";
import type { StoreOmissions } from "../cluster/disk-store.ts";
import type { Message } from "@latentweave/protocol";
import type { Outgoing } from "../world/connection.ts";

/** A message with its bytes, as it is or as a faulty engine has it. */
export type Said = Pick<Outgoing, "message" | "slices">;

/**
 * A mistake put between the engines and their world, so that the simulator can show that it would notice: engines run
 * as they are, but what they send, hear, keep or compute with is changed as a faulty engine would.
 */
export interface PlantedBug {
  /** What a faulty sender says in place of a message. */
  readonly onSend?: (outgoing: Outgoing) => readonly Said[];
  /** What a faulty receiver makes of a message, as it is sent. */
  readonly onReceive?: (outgoing: Outgoing) => readonly Said[];
  /** The same, when it arrives. */
  readonly onArrive?: (to: string, message: Message) => Message;
  readonly omit?: StoreOmissions;
  readonly arithmetic?: (process: string, inner: Arithmetic) => Arithmetic;
  readonly compute?: (inner: Compute) => Compute;
}
