import {
  type AskedTask,
  checkIsNode,
  createAsking,
  payloadsDue,
  portionsOf,
  type StepReduction,
  type TaskReduction,
} from "@latentweave/aggregation";
import { sliceBytes } from "@latentweave/parameters";
import type { Channel, MessageOf } from "@latentweave/protocol";

/** When contributions are offered before they are sent, and how they are asked for. */
export interface OfferPolicy {
  /** So many subscribers get weights through sockets: what fewer send at once is little beside the weights. */
  readonly fromSubscribers: number;
  /** Smaller contributions are sent straight away. */
  readonly overBytes: number;
  /** Of a portion, which is whole slices; for a contribution of so many bytes. */
  readonly portionBytes: (bytes: number) => number;
  /** Portions that are asked for and have not come, at most. */
  readonly underWay: number;
  /** Portions that may wait for a neighbour in the tree, beside one of each, of a contribution of so many. */
  readonly spare: (portions: number) => number;
}

const kibibyte = 1024;

/**
 * A portion is so large that asking for it costs little beside sending it, and so small that those that are under way or
 * wait are little beside the model: a thirty-second part of it, or a slice.
 */
export const offerPolicy: OfferPolicy = {
  fromSubscribers: 5,
  overBytes: 256 * kibibyte,
  portionBytes: (bytes) => Math.min(4096 * kibibyte, Math.max(1024 * kibibyte, bytes / 32)),
  underWay: 4,
  spare: (portions) => portions / 8,
};

/** What senders of one step have offered to a shard, and what it asks of whom. */
export interface StepOffers {
  /** @throws ProtocolError when the step has no such contribution */
  offered(message: MessageOf<"offer">, from: Channel): void;
  /** A push was taken. */
  came(message: MessageOf<"push">, from: Channel): void;
  /** A push was not taken, whatever it was of. */
  refused(message: MessageOf<"push">, from: Channel): void;
  left(from: Channel): void;
  /** Somebody is late. */
  hurry(): void;
}

/** @param ask of a contribution's payloads, from where to where */
export function createStepOffers(
  reduction: StepReduction,
  policy: OfferPolicy,
  ask: (to: Channel, of: Pick<MessageOf<"ask">, "round" | "task" | "node" | "from" | "to">) => void,
): StepOffers {
  const asking = createAsking<Channel>({
    underWay: policy.underWay,
    spare: ({ portions }) => policy.spare(portions),
  });
  const asked = new Map<TaskReduction, PortionedTask>();

  const portioned = (task: TaskReduction): PortionedTask => {
    let known = asked.get(task);
    if (!known) asked.set(task, (known = portionedTask(task, policy)));
    return known;
  };

  const goOn = (): void => {
    for (let next = asking.next(); next; next = asking.next()) {
      const { reduced, starts, payloads } = next.task as PortionedTask;
      const { round, plan } = reduced;
      ask(next.who, {
        ...{ round: round.index, task: plan.task, node: next.node },
        from: starts[next.portion] as number,
        to: starts[next.portion + 1] ?? payloads,
      });
    }
  };

  return {
    offered(message, from) {
      const { node, withdrawn } = message;
      const task = reduction.task(message);
      checkIsNode(task, node);
      if (withdrawn) asking.withdrawn(from, portioned(task), node);
      else asking.offered(from, portioned(task), node);
      goOn();
    },
    came(message, from) {
      // Where nothing was ever offered there is nothing to be known of it.
      const task = asked.get(reduction.task(message));
      if (!task) return;
      asking.came(from, task, message.node, message.portion && task.starts.indexOf(message.portion.from));
      goOn();
    },
    refused(message, from) {
      if (asked.size === 0) return;
      const task = asked.get(reduction.task(message));
      if (task) asking.withdrawn(from, task, message.node);
      goOn();
    },
    left(from) {
      asking.left(from);
      goOn();
    },
    hurry() {
      asking.hurry();
      goOn();
    },
  };
}

interface PortionedTask extends AskedTask {
  readonly reduced: TaskReduction;
  /** The first payload of each portion. */
  readonly starts: readonly number[];
  readonly payloads: number;
}

function portionedTask(reduced: TaskReduction, policy: OfferPolicy): PortionedTask {
  const { slices, metrics, plan, apart } = reduced;
  const owned = slices.map(({ slice }) => slice);
  const most = policy.portionBytes(sliceBytes(owned));
  // Metrics go with the last slice.
  const starts = portionsOf(
    owned.map((slice) => sliceBytes([slice])),
    most,
  ).map(([from]) => from);
  const holders = slices.length > 0 ? slices.map(({ reducer }) => reducer) : [metrics?.reducer];
  return {
    ...{ reduced, starts, apart, slots: plan.slots, portions: starts.length },
    payloads: payloadsDue(reduced),
    held: (portion) => holders[starts[portion] ?? 0]?.heldNodes().map(({ node }) => node) ?? [],
  };
}
