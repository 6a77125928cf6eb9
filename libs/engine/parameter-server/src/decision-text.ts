import type { MessageOf } from "@latentweave/protocol";

/** What the leader's memory must hold before anybody hears of a decision, or of where the timeline began. */
export interface Decision {
  readonly timeline: number;
  /** Absent as long as the timeline has none: the combiner's state of before would be another timeline's. */
  readonly decide?: MessageOf<"decide">;
  /** The combiner's state after it, as JSON; absent where the combiner begins anew. */
  readonly combiner?: string;
  /** Records that the coordinator has not acknowledged, this decision's own the last. */
  readonly records: readonly MessageOf<"committed">[];
}

/**
 * As JSON; where that would not fit, without records: then a loss of leader and coordinator at once goes back to the
 * last checkpoint, as the coordinator finds its ledger to have a gap.
 */
export function encodeDecision(decision: Decision, maxBytes: number): string {
  const { records, ...rest } = decision;
  const head = JSON.stringify(rest).slice(0, -1);
  const whole = `${head},"records":[${records.map(textOf).join(",")}]}`;
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  return `${head},"records":[]}`;
}

/** A record stays for as many decisions as the coordinator is behind, and its text with it. */
const texts = new WeakMap<MessageOf<"committed">, string>();

function textOf(record: MessageOf<"committed">): string {
  let text = texts.get(record);
  if (text === undefined) texts.set(record, (text = JSON.stringify(record)));
  return text;
}

/** Undefined where there is none: the memory was never a leader's. */
export function readDecision(text: string | undefined): Decision | undefined {
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as Decision);
}
