import type { MessageOf } from "@latentweave/protocol";
import { type Decision, encodeDecision, readDecision } from "./decision-text.ts";
import type { OwnedState } from "./owned-state.ts";
import { createUnrecorded, type Unrecorded } from "./unrecorded.ts";

/** What the leader has said and may have to say again: to followers, to the coordinator, and to itself as another process. */
export interface LeaderWords {
  readonly unrecorded: Unrecorded;
  /** The decision outlives this process from now on, and with it all records that nobody has acknowledged. */
  keep(timeline: number, decide: MessageOf<"decide">, combiner: string): void;
  tell(decide: MessageOf<"decide">): void;
  /** What a follower that holds `version` may have missed. */
  since(version: number): readonly MessageOf<"decide">[];
  /** What the process before this one had decided last; its records are unrecorded ones again. */
  takeUp(timeline: number): { readonly decide?: MessageOf<"decide">; readonly combiner?: string };
  /** Followers have nothing to miss any more. */
  forget(): void;
}

export function createLeaderWords(
  state: Pick<OwnedState, "writeDecision" | "readDecision">,
  onDecided: (decide: MessageOf<"decide">) => void,
): LeaderWords {
  const unrecorded = createUnrecorded();
  /** The last two. */
  let words: MessageOf<"decide">[] = [];
  return {
    unrecorded,
    keep(timeline, decide, combiner) {
      const decision: Decision = { timeline, decide, combiner, records: [...unrecorded.records] };
      state.writeDecision(decide.step, (maxBytes) => encodeDecision(decision, maxBytes));
    },
    tell(decide) {
      words = [...words.slice(-1), decide];
      onDecided(decide);
    },
    since: (version) => words.filter(({ step, abandon }) => abandon || step >= version),
    takeUp(timeline) {
      const decision = readDecision(state.readDecision()?.text);
      const combiner = decision?.combiner !== undefined && { combiner: decision.combiner };
      if (!decision?.decide || decision.timeline !== timeline) return { ...combiner };
      for (const record of decision.records) unrecorded.add(record);
      words = [decision.decide];
      return { ...combiner, decide: decision.decide };
    },
    forget() {
      words = [];
    },
  };
}
