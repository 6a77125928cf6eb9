import type { GuardState } from "@latentweave/multitask";
import type { Deal, PausedTask } from "@latentweave/protocol";
import type { SamplingState } from "./adaptive-sampling.ts";
import type { EarlyStopState } from "./held-out.ts";

/** What the leader remembers from step to step besides its combiner's state; plain data, absent where there is nothing. */
export interface LeaderState {
  /** Tasks that are, or were, paused, by name. */
  readonly paused?: Readonly<Record<string, Omit<PausedTask, "task">>>;
  readonly early?: EarlyStopState;
  readonly guard?: GuardState;
  readonly sampling?: SamplingState;
  /** The tasks' weights, where they hold for several steps. */
  readonly weights?: readonly number[];
}

/** Not the name of anything in a combiner's state. */
const key = "$leader";

/** As JSON text, which checkpoints keep: the combiner's state alone where there is nothing besides. */
export function joinLeaderState(combiner: string, state: LeaderState): string {
  if (Object.keys(state).length === 0) return combiner;
  return `{${JSON.stringify(key)}:${JSON.stringify(state)},"combiner":${combiner}}`;
}

export function splitLeaderState(text: string): { readonly combiner: string; readonly state: LeaderState } {
  const value = JSON.parse(text) as unknown;
  if (typeof value !== "object" || value === null || !(key in value)) return { combiner: text, state: {} };
  const { [key]: state, combiner } = value as { [key]: LeaderState; combiner: unknown };
  return { combiner: JSON.stringify(combiner), state };
}

/** Whether the step that made this state was the last one, before the job's steps were over. */
export function hasEndedEarly(text: string | undefined): boolean {
  return text !== undefined && splitLeaderState(text).state.early?.ended === true;
}

/** What the state says of sampling that is adaptive; nothing where it is not. @param text undefined: there is no state */
export function leaderDeals(text: string | undefined): readonly Deal[] {
  return text === undefined ? [] : (splitLeaderState(text).state.sampling?.deals ?? []);
}
