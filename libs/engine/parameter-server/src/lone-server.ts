import type { Arithmetic } from "@latentweave/arithmetic";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import { isOrdered, type RunSpec } from "@latentweave/plan";
import type { Clock, Deal, MessageOf, Work } from "@latentweave/protocol";
import { createOrderedStepping, type OrderedStepping } from "./ordered/ordered-stepping.ts";
import { createRecordedOrder } from "./ordered/recorded-order.ts";
import type { BlockProducts } from "./products.ts";
import { createSettlement } from "./settlement.ts";
import { createStepping } from "./stepping.ts";
import type { Stepping, SteppingOptions } from "./stepping-options.ts";
import { prepareTraining, type Training } from "./training.ts";
import { blockDigests } from "./version-digest.ts";

/**
 * All shards of a parameter server in one process, without channels: the same steps by the same code, fed by hand, so
 * that a part of a run can be computed again.
 */
export interface LoneServer {
  readonly version: number;
  /** Overwrites numbers before `begin`. */
  restore(section: string, slice: Slice, bytes: Uint8Array): void;
  /** At version 0 with fresh weights, or at the version whose numbers were restored. `combiner`: its state then, as JSON. */
  begin(version: number, from: "initial" | "checkpoint", combiner: string | undefined): void;
  /** In modes with an order: what the coming step applies. */
  next(work: Work): void;
  /** What a worker would send to shard `shard`. @throws ProtocolError as a shard does */
  push(shard: number, message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string): void;
  /** The record of the step that was committed last. */
  readonly record: MessageOf<"committed"> | undefined;
  /** Why the step in progress can never be committed. */
  readonly refused: string | undefined;
  /** Version digest of the newest version; empty before `begin`. */
  versionDigest(): string;
  /** Every slice of a section of the newest version, copied, whichever shard owns it. */
  section(name: string): { readonly slice: Slice; readonly bytes: Uint8Array }[];
  readonly stateNames: readonly string[];
  /** The combiner's state after the newest step, as JSON. */
  combiner(): string;
  /** Where sampling is adaptive: what each task has of the coming step. */
  deal(): Deal | undefined;
}

/** Nothing is ever late here. */
const stillClock: Clock = { nowMs: () => 0, after: () => () => undefined };
const timeline = 0;

interface LoneShard {
  readonly training: Training;
  readonly stepping: Stepping & Partial<Pick<OrderedStepping, "order">>;
}

export function createLoneServer(options: {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly shards: number;
  readonly arithmetic: Arithmetic;
}): LoneServer {
  const { runId, spec, layout, arithmetic } = options;
  const settlement = createSettlement(layout, options.shards);
  let record: MessageOf<"committed"> | undefined;
  let refused: string | undefined;
  const order = createRecordedOrder();

  // Words between shards are carried after the shard that said them has finished: none is in the middle of a step then.
  const mail: (() => void)[] = [];
  const deliver = (): void => {
    for (let word = mail.shift(); word; word = mail.shift()) word();
  };

  const settle = (index: number, { state }: Training): void => {
    if (settlement.applied(index, state.version, blockDigests(arithmetic, state)) !== undefined)
      mail.push(() => leader().stepping.settled());
  };

  const createOne = (index: number): LoneShard => {
    const training = prepareTraining(spec, arithmetic, options.shards, index);
    const steppingOptions: SteppingOptions = {
      ...{ runId, index, shards: options.shards, training, clock: stillClock, probe: undefined },
      leads: index === 0,
      digestOf: settlement.digestOf,
      isSettled: (version) => settlement.settled !== undefined && settlement.settled >= version,
      onReduced(plan, finite, products: readonly BlockProducts[], received, basis, odd = []) {
        const round = plan.rounds.length - 1;
        const message = {
          ...{ runId, timeline, step: plan.step, round, index, finite, received, blocks: [] },
          ...(basis !== undefined && { basis }),
          ...(odd.length > 0 && { odd: [...odd] }),
        };
        mail.push(() => leader().stepping.reduced({ type: "reduced", ...message }, products));
      },
      onDecided: (decide) => mail.push(() => followers().forEach(({ stepping }) => stepping.decided(decide))),
      onCommitted(committed) {
        record = committed;
        mail.push(() => leader().stepping.acknowledged(timeline, committed.step));
      },
      onPublish: () => settle(index, training),
      onUnfit({ reason, step, pausable }) {
        // The record is of what all came to: there is nobody else to ask.
        if (pausable) mail.push(() => leader().stepping.bearOut(timeline, step));
        else refused = reason;
      },
      onSuspicion: () => undefined,
      onStopped: () => undefined,
      onApplied: () => undefined,
      onCheckpoint: () => undefined,
      onLate: () => undefined,
    };
    if (!isOrdered(spec)) return { training, stepping: createStepping(steppingOptions) };
    const stepping = createOrderedStepping({
      ...steppingOptions,
      board: order,
      onAssigned(inHand) {
        if (index > 0) return;
        const work = inHand.map(({ planned, basis }) => ({ planned, basis, workers: [] }));
        mail.push(() =>
          followers().forEach((follower) =>
            follower.stepping.order?.assigned({ type: "assign", runId, timeline, work }),
          ),
        );
      },
      onOwed: () => undefined,
      onOrphaned: () => undefined,
      onHopeless(reason) {
        refused = reason;
      },
    });
    return { training, stepping };
  };
  const shards = Array.from({ length: options.shards }, (_, index) => createOne(index));
  const leader = (): LoneShard => shards[0] as LoneShard;
  const followers = (): LoneShard[] => shards.slice(1);

  return {
    get version() {
      return leader().training.state.version;
    },
    restore(section, slice, bytes) {
      for (const { training } of shards)
        for (const own of training.state.slices) {
          const start = Math.max(own.start, slice.start);
          const end = Math.min(own.start + own.numbers, slice.start + slice.numbers);
          if (own.group !== slice.group || start >= end) continue;
          const part = bytes.subarray((start - slice.start) * 4, (end - slice.start) * 4);
          training.state.restore(section, { group: slice.group, start, numbers: end - start }, part);
        }
    },
    begin(version, from, combiner) {
      settlement.startOver();
      record = undefined;
      refused = undefined;
      for (const { training, stepping } of shards) {
        if (from === "initial") training.state.reinitialise();
        else training.state.setVersion(version);
        stepping.begin({ timeline, from, combiner });
      }
      deliver();
    },
    next(work) {
      order.next(work);
      leader().stepping.order?.goOn();
      deliver();
    },
    push(shard, message, bytes, workerId) {
      shards[shard]?.stepping.push(message, bytes, workerId);
      deliver();
    },
    get record() {
      return record;
    },
    get refused() {
      return refused;
    },
    versionDigest: () => settlement.digestOf(leader().training.state.version),
    section: (name) =>
      shards.flatMap(({ training: { state } }) =>
        state.slices.map((slice) => ({
          slice: { group: slice.group, start: slice.start, numbers: slice.numbers },
          bytes: state.copy(slice, name),
        })),
      ),
    stateNames: leader().training.state.stateNames,
    combiner: () => leader().stepping.combiner,
    deal: () => leader().stepping.deal(leader().training.state.version),
  };
}
