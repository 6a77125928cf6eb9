import type { SharingKind } from "../description.ts";
import type { GraphBuilder } from "../graph-builder.ts";

/** Where a task enters what is shared. */
export interface SharingPlace {
  readonly graph: GraphBuilder;
  readonly task: string;
  /** All tasks, in the job's order. */
  readonly tasks: readonly string[];
  /** The node that the task's encoder ends in; of one shape for all tasks. */
  readonly encoded: number;
}

export type Sharing<Kind extends SharingKind["kind"]> = SharingKind & { readonly kind: Kind };
