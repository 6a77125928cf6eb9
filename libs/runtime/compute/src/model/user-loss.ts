import type { ReconstructionTerm, UserLoss } from "@latentweave/model";
import { guardedNamespace } from "../layers/refuse-unkeyed.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";

/** A loss of the job's extensions cannot be used. */
export class UserLossError extends Error {
  override readonly name = "UserLossError";
}

/** Of every row: [batch]. */
export function userLoss(
  tf: Tf,
  losses: Readonly<Record<string, UserLoss>>,
  { user }: ReconstructionTerm,
  prediction: Tensor,
  target: Tensor,
): Tensor {
  const name = user?.name ?? "";
  const loss = losses[name];
  if (!loss)
    throw new UserLossError(
      `the job's extensions have no loss "${name}"; they have: ${Object.keys(losses).join(", ") || "none"}`,
    );
  const made = loss.apply({ tf: guardedNamespace(tf), prediction, target, options: user?.options ?? {} });
  const rows = target.shape[0];
  const tensor = made instanceof tf.Tensor ? (made as Tensor) : undefined;
  if (tensor?.shape.length === 1 && tensor.shape[0] === rows) return tensor;
  throw new UserLossError(
    `the loss "${name}" must return a tensor of shape [${rows}], one number for each sample`,
  );
}
