import { isNodeOf } from "@latentweave/aggregation";
import type { Lease, Message } from "@latentweave/protocol";
import type { PlantedBug, Said } from "./planted-bug.ts";

/** A bug to be found, and within how many seeds it is. */
export interface Plant {
  readonly name: string;
  /** First of these seeds; default 1. What shows in one seed of a thousand is looked for near a seed that shows it. */
  readonly from?: number;
  readonly within: number;
  /** A fresh one for each run: it may remember. */
  readonly plant: () => PlantedBug;
}

const none: readonly Uint8Array[] = [];
const said = (message: Message, slices: readonly Uint8Array[] = none): Said => ({ message, slices });

export const plants: readonly Plant[] = [
  {
    name: "a commit that the ledger has already is recorded once more",
    within: 10,
    plant: () => ({ omit: { idempotency: true } }),
  },
  {
    name: "a record is acknowledged before it is written",
    within: 30,
    plant: () => ({ omit: { waitForRecord: true } }),
  },
  { name: "a rename is not synced", within: 10, plant: () => ({ omit: { syncFolderAfterRename: true } }) },
  {
    name: "a checkpoint is named before the ledger is synced",
    within: 30,
    plant: () => ({ omit: { syncBeforePublishing: true } }),
  },
  {
    name: "checksums of a checkpoint are not looked at",
    ...{ from: 365, within: 20 },
    plant: () => ({ omit: { checksums: true } }),
  },
  {
    name: "a successor counts its quorums as the coordinator before it did",
    within: 10,
    plant: () => ({ omit: { generation: true } }),
  },
  { name: "a lease that went to another worker stays where it was", within: 10, plant: staleLease },
  { name: "a contribution counts twice", within: 10, plant: countsTwice },
  { name: "a step is committed before a follower has all of its slices", within: 10, plant: commitsEarly },
  { name: "a version counts as settled before a follower has applied it", within: 10, plant: settlesEarly },
  { name: "the combiner's state is not restored", within: 30, plant: forgetsCombiner },
  { name: "a worker computes on the weights of the step before", within: 10, plant: staleWeights },
  { name: "a follower takes its own newest version for settled", within: 20, plant: unsettledToNewcomer },
  { name: "a message of an old timeline is accepted", from: 1205, within: 20, plant: takesOldTimelines },
];

/** The coordinator adds to each assignment what the same worker held two quorums ago. */
function staleLease(): PlantedBug {
  const before = new Map<string, readonly Lease[]>();
  return {
    onSend({ to, message, slices }) {
      if (message.type !== "assignment") return [said(message, slices)];
      const stale = before.get(to) ?? [];
      before.set(to, message.leases);
      return [said({ ...message, leases: [...message.leases, ...stale] }, slices)];
    },
  };
}

/** A shard takes the first slot's sum for that of its sibling as well. */
function countsTwice(): PlantedBug {
  return {
    onReceive({ message, slices }) {
      if (message.type !== "push" || message.node.level > 0) return [said(message, slices)];
      const index = message.node.index ^ 1;
      return isNodeOf({ level: 0, index }, 2)
        ? [said(message, slices), said({ ...message, node: { level: 0, index } }, slices)]
        : [said(message, slices)];
    },
  };
}

/** The leader takes a follower's word of a version for its word of the sums of the next step. */
function commitsEarly(): PlantedBug {
  return {
    onReceive({ message, slices }) {
      if (message.type !== "applied") return [said(message, slices)];
      const { runId, timeline, index, version } = message;
      const early = {
        runId,
        timeline,
        index,
        step: version,
        round: 0,
        finite: true,
        received: [],
        blocks: [],
      };
      return [said(message, slices), said({ type: "reduced", ...early })];
    },
  };
}

/** The leader takes a follower's word of its sums for its word that they are applied. */
function settlesEarly(): PlantedBug {
  const digests = new Map<string, readonly Uint8Array[]>();
  return {
    onReceive({ from, message, slices }) {
      if (message.type === "applied") digests.set(from, slices);
      if (message.type !== "reduced") return [said(message, slices)];
      const { runId, timeline, index, step } = message;
      const early = said(
        { type: "applied", runId, timeline, index, version: step + 1 },
        digests.get(from) ?? none,
      );
      return [said(message, slices), early];
    },
  };
}

function forgetsCombiner(): PlantedBug {
  return {
    onSend({ message, slices }) {
      if (message.type !== "begin") return [said(message, slices)];
      const { combiner: _, ...rest } = message;
      return [said(rest, slices)];
    },
  };
}

/** Every twentieth update of weights is lost on its way to the device. */
function staleWeights(): PlantedBug {
  return {
    compute(inner) {
      let updates = 0;
      return {
        ...inner,
        async setParameters(slices) {
          updates += 1;
          if (updates % 20 !== 0) await inner.setParameters(slices);
        },
      };
    },
  };
}

function unsettledToNewcomer(): PlantedBug {
  return {
    onReceive({ message, slices }) {
      if (message.type !== "decide" || message.abandon) return [said(message, slices)];
      const { runId, timeline, step } = message;
      return [
        said(message, slices),
        said({ type: "settled", runId, timeline, version: step + 1, digest: "" }),
      ];
    },
  };
}

/** A shard takes what was said on a timeline that is over for its own timeline's. */
function takesOldTimelines(): PlantedBug {
  const begun = new Map<string, number>();
  return {
    onArrive(to, message) {
      if (message.type === "begin") begun.set(to, message.timeline);
      const timeline = begun.get(to) ?? 0;
      return "timeline" in message && message.timeline < timeline ? { ...message, timeline } : message;
    },
  };
}
