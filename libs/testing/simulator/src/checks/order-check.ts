import { fenceAfter, mostStaleness, planApplied, type RunSpec, type StepPlan } from "@latentweave/plan";
import type { CommitRecord, MessageOf } from "@latentweave/protocol";

type Commit = MessageOf<"committed"> | CommitRecord;

export interface OrderTally {
  /** Commits that went to the ledger, by staleness. */
  readonly staleness: number[];
  readonly givenUp: Record<"stale" | "lost" | "unfit", number>;
}

/** What holds of the order in which planned steps are applied, in modes that have one. */
export interface OrderCheck {
  /** What a commit did, as planned. */
  planOf(commit: Commit): StepPlan;
  /** A commit by itself. */
  look(commit: Commit): void;
  /** It is in the ledger, after all before it. */
  recorded(commit: CommitRecord): void;
  /** Steps from this one on are made again. */
  cut(fromVersion: number): void;
  /** What came up, for tests that are to be sure that it did. */
  readonly tally: OrderTally;
  /** The ledger was opened again and ends before this step. */
  found(nextStep: number): void;
}

export function checkOrder(spec: RunSpec, violated: (invariant: string, text: string) => void): OrderCheck {
  let recorded: { readonly step: number; readonly planned: number }[] = [];
  let begunAt = 0;
  const tally: OrderTally = { staleness: [], givenUp: { stale: 0, lost: 0, unfit: 0 } };
  return {
    tally,
    planOf: ({ step, order }) => planApplied(spec, step, order?.planned ?? step),
    look({ step, order }) {
      if (!order) {
        violated("order", `step ${step} does not say which planned step it applies`);
        return;
      }
      const { planned, basis } = order;
      const most = mostStaleness(spec);
      if (basis > step || step - basis > most)
        violated("order", `step ${step} applies what was computed on version ${basis}; the bound is ${most}`);
      const fence = fenceAfter(spec, step);
      if (fenceAfter(spec, basis) !== fence || fenceAfter(spec, planned) !== fence)
        violated(
          "order",
          `step ${step} applies planned step ${planned}, computed on ${basis}: across a fence`,
        );
    },
    recorded({ step, order }) {
      if (!order) return;
      const before = recorded.find(({ planned }) => planned === order.planned);
      if (before)
        violated("order", `step ${step} applies planned step ${order.planned}, as step ${before.step} did`);
      if (order.basis < begunAt)
        violated(
          "order",
          `step ${step} was computed on version ${order.basis}, before the cut at ${begunAt}`,
        );
      recorded.push({ step, planned: order.planned });
      const { staleness, givenUp } = tally;
      staleness[step - order.basis] = (staleness[step - order.basis] ?? 0) + 1;
      for (const { why } of order.givenUp) givenUp[why] += 1;
    },
    cut(fromVersion) {
      recorded = recorded.filter(({ step }) => step < fromVersion);
      begunAt = fromVersion;
    },
    found(nextStep) {
      recorded = recorded.filter(({ step }) => step < nextStep);
    },
  };
}
