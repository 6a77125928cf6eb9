import { isDeepStrictEqual } from "node:util";
import { type CommitRecord, makesVoid, type TimelineRecord } from "@latentweave/protocol";

/**
 * Steps that were computed again must have come to the same: what was void was right all the same, unless a worker was
 * convicted (docs/checkpoints.md, "Timelines").
 */
export interface Repeats {
  /** A commit that a later timeline makes void. */
  keep(commit: CommitRecord): void;
  /** @returns what differs from the void commit of the same step, or undefined */
  note(commit: CommitRecord): string | undefined;
  begin(timeline: TimelineRecord): void;
}

/** Who computed it and who came twice is another matter; nodes are compared where both have them. */
interface Outcome {
  readonly learningRate: number;
  readonly gradientNorm: number | null;
  readonly tasks: readonly { readonly task: string; readonly round: number; readonly metrics: unknown }[];
}

export function createRepeats(): Repeats {
  const outcomes = new Map<number, Outcome>();
  const nodes = new Map<number, ReadonlyMap<string, string>>();
  return {
    keep(commit) {
      outcomes.set(commit.step, outcomeOf(commit));
      nodes.set(commit.step, nodesOf(commit));
    },
    note(commit) {
      const before = outcomes.get(commit.step);
      if (!before) return undefined;
      const own = nodesOf(commit);
      for (const [node, digest] of nodes.get(commit.step) ?? []) {
        const again = own.get(node);
        if (again !== undefined && again !== digest)
          return `${node} was computed again and had the digest ${again}, before it had ${digest}`;
      }
      if (isDeepStrictEqual(before, outcomeOf(commit))) return undefined;
      return "it was computed again, and its metrics or gradient norm are not those that it had before";
    },
    begin(timeline) {
      if (!makesVoid(timeline)) return;
      const { fromVersion } = timeline;
      for (const step of outcomes.keys())
        if (step >= fromVersion) {
          outcomes.delete(step);
          nodes.delete(step);
        }
    },
  };
}

function outcomeOf({ learningRate, gradientNorm, tasks }: CommitRecord): Outcome {
  return {
    learningRate,
    gradientNorm,
    tasks: tasks.map(({ task, round, metrics }) => ({ task, round, metrics })),
  };
}

/** By name and the number of shards, since that decides which bytes a digest is over. */
function nodesOf({ tasks, shards: count }: CommitRecord): ReadonlyMap<string, string> {
  return new Map(
    tasks.flatMap(({ task, round, shards }) =>
      shards.flatMap(({ index: shard, nodes }) =>
        nodes.map(([level, index, , digest]): [string, string] => [
          `node ${level}:${index} of task "${task}", round ${round}, shard ${shard} of ${count}`,
          digest,
        ]),
      ),
    ),
  );
}
