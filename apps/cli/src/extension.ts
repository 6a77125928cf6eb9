import type { UserDatasets } from "@latentweave/datasets";
import type { UserLayer, UserLoss } from "@latentweave/model";
import type { UserCombiner, UserRegulariser } from "@latentweave/multitask";

/**
 * What a module of somebody else brings to jobs, by name: `export const extension: Extension = { ... }`. A job names the
 * module in `extensions` (docs/extending.md).
 */
export interface Extension {
  /** `userLayer("NAME")`. */
  readonly layers?: Readonly<Record<string, UserLayer>>;
  /** `reconstruction: { loss: "user", name: "NAME" }`. */
  readonly losses?: Readonly<Record<string, UserLoss>>;
  /** `combiner: { kind: "user", name: "NAME" }`. */
  readonly combiners?: Readonly<Record<string, UserCombiner>>;
  /** `regulariser: { omega: "user", name: "NAME", lambda: 0.01 }`. */
  readonly regularisers?: Readonly<Record<string, UserRegulariser>>;
  /** `data: { user: { name: "NAME" } }`. */
  readonly datasets?: UserDatasets;
}
