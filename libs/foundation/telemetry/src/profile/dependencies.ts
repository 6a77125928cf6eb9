import type { ProfilePhase } from "@latentweave/protocol";
import type { ProfiledRun, ProfiledStep, Track } from "./profiled-run.ts";
import { lastBefore, type Segment } from "./segments.ts";

/** A segment of a process. */
export interface Place {
  readonly track: Track;
  readonly segment: Segment;
}

export interface DependencyFinder {
  /** What the process did before. */
  localBefore(place: Place): Place | undefined;
  /** What of another process had to come before, as far as that is a matter of messages. */
  remoteBefore(place: Place): Place | undefined;
  /** What ended the step. */
  endOf(step: ProfiledStep): Place | undefined;
}

export function dependencyFinder(run: ProfiledRun): DependencyFinder {
  const index = placesByKey(run);
  const newestBefore = (
    phase: ProfilePhase,
    { timeline, step }: Pick<Segment, "timeline" | "step">,
    /** Moments of the two processes compare as well as their clocks are known. */
    before: { readonly ms: number; readonly errorMs: number },
    isWanted: (track: Track) => boolean,
  ): Place | undefined => {
    let best: Place | undefined;
    for (const place of index.get(keyOf(phase, timeline, step)) ?? [])
      if (
        isWanted(place.track) &&
        place.segment.startMs < before.ms + before.errorMs + place.track.clockErrorMs &&
        (!best || place.segment.endMs > best.segment.endMs)
      )
        best = place;
    return best;
  };
  return {
    localBefore({ track, segment }) {
      const before = track.segments[lastBefore(track.segments, segment.startMs)];
      return before && { track, segment: before };
    },
    remoteBefore({ track, segment }) {
      const { phase, timeline, step, startMs, peer } = segment;
      const start = { ms: startMs, errorMs: track.clockErrorMs };
      const isOther = (other: Track): boolean => other.name !== track.name;
      // Whose push it is.
      if (track.role === "shard" && phase === "reduce")
        return newestBefore("push", segment, start, ({ name }) => name === peer);
      // Weights of version n leave with the step before.
      if (phase === "receive")
        return newestBefore("broadcast", { timeline, step: step - 1 }, start, ({ name }) => name === peer);
      // The leader hears of the others' sums; they hear of its decision.
      if (track.role === "shard" && (phase === "combine" || phase === "commit"))
        return newestBefore("combine", segment, start, isOther);
      if (track.role === "shard" && phase === "update")
        return newestBefore("commit", segment, start, isOther);
      return undefined;
    },
    endOf(step) {
      const broadcasts = index.get(keyOf("broadcast", step.timeline, step.step)) ?? [];
      const commits = index.get(keyOf("commit", step.timeline, step.step)) ?? [];
      return [...commits, ...broadcasts].reduce<Place | undefined>(
        (last, place) => (last && last.segment.endMs > place.segment.endMs ? last : place),
        undefined,
      );
    },
  };
}

/** Of the phases that something elsewhere may wait for. */
const waitedFor: ReadonlySet<ProfilePhase> = new Set(["push", "broadcast", "combine", "commit"]);

function keyOf(phase: ProfilePhase, timeline: number, step: number): string {
  return `${phase} ${timeline} ${step}`;
}

const indexes = new WeakMap<ProfiledRun, ReadonlyMap<string, readonly Place[]>>();

/** Made once for a run: paths are walked for every step of it. */
function placesByKey(run: ProfiledRun): ReadonlyMap<string, readonly Place[]> {
  const known = indexes.get(run);
  if (known) return known;
  const index = new Map<string, Place[]>();
  for (const track of run.tracks)
    for (const segment of track.segments) {
      if (!waitedFor.has(segment.phase)) continue;
      const key = keyOf(segment.phase, segment.timeline, segment.step);
      const places = index.get(key);
      if (places) places.push({ track, segment });
      else index.set(key, [{ track, segment }]);
    }
  indexes.set(run, index);
  return index;
}
