import type { CommitRecord, TimelineRecord } from "@latentweave/protocol";

/** In modes with an order: each planned step once, and no gradient from before the timeline. */
export interface PlannedOnce {
  /** @returns what is wrong, or undefined */
  note(commit: CommitRecord): string | undefined;
  begin(timeline: TimelineRecord): void;
}

export function createPlannedOnce(): PlannedOnce {
  const stepOf = new Map<number, number>();
  let begunAt = 0;
  return {
    note({ step, order }) {
      if (!order) return undefined;
      const { planned, basis } = order;
      const before = stepOf.get(planned);
      stepOf.set(planned, step);
      if (before !== undefined) return `planned step ${planned} was applied already, by step ${before}`;
      if (basis < begunAt)
        return `it was computed on version ${basis}, of before this timeline began at version ${begunAt}`;
      return undefined;
    },
    begin({ fromVersion }) {
      begunAt = fromVersion;
      for (const [planned, step] of stepOf) if (step >= fromVersion) stepOf.delete(planned);
    },
  };
}
