import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import type { StoreOmissions } from "../cluster/disk-store.ts";
import type { Outgoing } from "../world/connection.ts";

/**
 * A mistake put between the engines and their world, so that the simulator can show that it would notice: engines run
 * as they are, but what they send, keep or compute with is changed as a faulty engine would.
 */
export interface PlantedBug {
  /** What goes out in place of a message. */
  readonly onSend?: (outgoing: Outgoing) => readonly Pick<Outgoing, "message" | "slices">[];
  readonly omit?: StoreOmissions;
  readonly arithmetic?: (process: string, inner: Arithmetic) => Arithmetic;
  readonly compute?: (inner: Compute) => Compute;
}
