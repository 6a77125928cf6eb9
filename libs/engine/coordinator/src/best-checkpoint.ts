import { heldOutLoss, planStep, type RunSpec } from "@latentweave/plan";
import type { MessageOf, RunStore } from "@latentweave/protocol";
import type { RunLog } from "./run-log.ts";

/** Keeps the checkpoint of the version with the least held-out loss, where the job wants that. Follows commits alone. */
export interface BestCheckpoint {
  take(commit: MessageOf<"committed">): void;
}

export function createBestCheckpoint(options: {
  readonly spec: RunSpec;
  readonly store: Pick<RunStore, "best" | "markBest">;
  readonly log: Pick<RunLog, "event">;
}): BestCheckpoint {
  const { spec, store, log } = options;
  return {
    take({ step, tasks }) {
      if (spec.keepBest !== true) return;
      // What is evaluated are the weights that the step was computed on.
      const loss = heldOutLoss(spec, planStep(spec, step), tasks);
      if (loss === undefined || !Number.isFinite(loss)) return;
      const before = store.best;
      // A version that is made again has the loss that it had.
      if (before && !(loss < before.loss)) return;
      store.markBest({ version: step, loss });
      log.event("info", `best so far: version ${step}, held-out loss ${Number(loss.toPrecision(6))}`);
    },
  };
}
