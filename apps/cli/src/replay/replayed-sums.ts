import { isAncestor } from "@latentweave/aggregation";
import type { Slice } from "@latentweave/parameters";
import type { CommitRecord, MessageOf } from "@latentweave/protocol";
import { openRelayedStep, type RelayedStep, type WantedNode } from "@latentweave/worker-engine";
import type { ReplayEngines } from "./replay-steps.ts";

/** What relays made of contributions, made again from the same ones (docs/protocol.md, "Relays"). */
export interface ReplayedSums {
  /** A contribution, as its worker sent it. */
  take(of: WantedNode, message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string): void;
  /** How sums differ from the record, in words. */
  faults(): string[];
}

interface Recorded extends WantedNode {
  readonly relay: string;
  readonly digest: string;
  readonly step: RelayedStep;
}

export function createReplayedSums(
  { runId, spec, layout, arithmetic }: ReplayEngines,
  /** Slices by shard. */
  owned: readonly (readonly Slice[])[],
  commit: CommitRecord,
): ReplayedSums {
  const open = (index: number): RelayedStep =>
    openRelayedStep({
      ...{ runId, prepared: { spec, layout, owned }, arithmetic },
      ...{ index, timeline: 0, step: commit.step },
    });
  const recorded = commit.tasks.flatMap(({ task, round, shards }) =>
    shards.flatMap(({ index: shard, sums = [] }) =>
      sums.map(([level, index, relay, digest]): Recorded => {
        const node = { level, index };
        return { task, round, shard, node, relay, digest, step: open(shard) };
      }),
    ),
  );
  return {
    take({ shard, round, task, node }, message, bytes, workerId) {
      for (const sum of recorded)
        if (sum.shard === shard && sum.round === round && sum.task === task && isAncestor(sum.node, node))
          sum.step.accept(message, bytes, workerId);
    },
    faults: () =>
      recorded.flatMap(({ shard, round, task, node, relay, digest, step }) => {
        const again = step.digestOf({ round, task, node });
        step.release();
        return again === digest
          ? []
          : [
              `task "${task}", round ${round}, shard ${shard}: sum ${node.level}:${node.index} came from relay ${relay} with the digest ${digest}, computed is ${again ?? "none"}`,
            ];
      }),
  };
}
