import type { MessageOf } from "@latentweave/protocol";

/** What the leader's memory must hold before anybody hears of a decision, and from its beginning on. */
export interface Decision {
  /** Undefined where nothing has been decided since the beginning. */
  readonly decide: MessageOf<"decide"> | undefined;
  /** The combiner's state after it, as JSON. */
  readonly combiner: string;
  /** Records that the coordinator has not acknowledged, this decision's own the last. */
  readonly records: readonly MessageOf<"committed">[];
}

/**
 * As JSON; where that would not fit, without records: then a loss of leader and coordinator at once goes back to the
 * last checkpoint, as the coordinator finds its ledger to have a gap.
 */
export function encodeDecision(decision: Decision, maxBytes: number): string {
  const whole = JSON.stringify(decision);
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  return JSON.stringify({ ...decision, records: [] });
}

/** Undefined where the text is not one: the memory held none yet. */
export function readDecision(text: string): Decision | undefined {
  return text === "" ? undefined : (JSON.parse(text) as Decision);
}
