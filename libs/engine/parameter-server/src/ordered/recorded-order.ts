import type { Work } from "@latentweave/protocol";
import { type AppliedSteps, noSteps, withApplied } from "./applied-steps.ts";
import type { Board } from "./board.ts";

/** A board that decides nothing: steps are applied in an order that was recorded. */
export interface RecordedOrder extends Board {
  /** What the coming step applies. */
  next(work: Work): void;
}

export function createRecordedOrder(): RecordedOrder {
  let due: Work | undefined;
  let isDealt = false;
  let isWhole = false;
  let applied: AppliedSteps = noSteps;
  return {
    next(work) {
      due = work;
      isDealt = isWhole = false;
    },
    setTeams: () => undefined,
    get inHand() {
      return due && isDealt ? [{ ...due, workers: [] }] : [];
    },
    deal() {
      if (isDealt || !due) return false;
      isDealt = true;
      return true;
    },
    whole() {
      isWhole = true;
    },
    choose: () => (due && isWhole ? { kind: "apply", work: due } : { kind: "wait", untilMs: undefined }),
    applied({ planned }) {
      applied = withApplied(applied, planned);
      due = undefined;
    },
    giveUp: () => undefined,
    lacks: () => undefined,
    // What cannot be applied now was not applied then.
    timesGivenUp: () => 1,
    takeGivenUp: () => [],
    get appliedSteps() {
      return applied;
    },
    startOver(next) {
      applied = next;
      due = undefined;
    },
  };
}
