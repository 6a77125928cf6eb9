import type { MessageOf, TreeNode } from "@latentweave/protocol";
import type { Received } from "./leader.ts";

export type Suspicion = Pick<MessageOf<"suspect">, "step" | "round" | "task" | "node" | "workers">;

/** What a worker has sent of one node of one step. */
export interface Testimony {
  readonly step: number;
  readonly round: number;
  readonly task: string;
  readonly node: TreeNode;
  readonly workerId: string;
  readonly digest: string;
}

/**
 * Compares what two workers send for the same node: the same bits, or one of them is wrong. What comes after its step is
 * over is compared too, for a while.
 */
export interface Witnesses {
  /** @param received of the step that the testimony is about, while it is in progress */
  compare(testimony: Testimony, received?: Received): Suspicion | undefined;
  /** A step is over. */
  keep(step: number, received: Received): void;
  startOver(): void;
}

/** A worker that is asked to compute another one's slots answers within its next few steps, or not at all. */
const keptSteps = 16;

export function createWitnesses(): Witnesses {
  const past = new Map<number, Received>();
  return {
    compare({ step, round, task, node, workerId, digest }, received = past.get(step)) {
      const nodes = received?.find((entry) => entry.task === task && entry.round === round)?.nodes ?? [];
      const other = nodes.find(
        ([level, index, from, sent]) =>
          level === node.level && index === node.index && from !== workerId && sent !== digest,
      );
      return other && { step, round, task, node, workers: [other[2], workerId] };
    },
    keep(step, received) {
      past.set(step, received);
      past.delete(step - keptSteps);
    },
    startOver: () => past.clear(),
  };
}
