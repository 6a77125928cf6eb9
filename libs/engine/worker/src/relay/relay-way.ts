import type { Arithmetic } from "@latentweave/arithmetic";
import { lastStep } from "@latentweave/plan";
import {
  type Channel,
  type Clock,
  type CloseCode,
  closeCodes,
  type Lease,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
  type SpanRecorder,
} from "@latentweave/protocol";
import type { PreparedRun } from "../prepare-run.ts";
import { type SendingWay, withdrawal } from "../step-work.ts";
import type { WorkerOptions } from "../worker-options.ts";
import { createPatience } from "./patience.ts";
import { openRelayedStep, type RelayedStep } from "./relayed-step.ts";

/*
 * Owns: the one connection of a host to one shard, and those of its workers to that. To the workers it is the shard, to
 * the shard it is a worker that speaks for several. Does not own: who relays (the coordinator's business), weights (it
 * passes them on and keeps none).
 *
 * Invariants:
 * 1. Whoever is behind the relay has been sent just what the relay was, since the first broadcast that named its place:
 *    that one had everything.
 * 2. A push counts only under the membership that the shard named last for its sender. When that changes for anybody,
 *    sums are made anew: everybody sends what it has again, and nothing of somebody who is no member stays in a sum.
 * 3. Sums are kept until the shard says a later step, or another timeline; on a new connection to it they are sent again.
 *    Weights of a version before, which it gives to whoever attaches, do not mean that it has gone back: that is known
 *    when somebody has computed on them before it said anything else.
 */

/** Who is served together, and what each computes. */
export interface Group {
  readonly workers: readonly { readonly workerId: string; readonly leases: readonly Lease[] }[];
}

export interface RelayWay {
  accept(channel: Channel): void;
  /** Undefined: it is not known who is to be waited for, so nobody is. */
  serve(group: Group | undefined): void;
  moveTo(address: string): void;
  /** Ends everything; whoever comes afterwards begins anew. */
  close(code: CloseCode, reason: string): void;
}

/** A worker of this host. */
interface Local {
  readonly workerId: string;
  readonly place: number;
  /** Those of its attachments before, on the same channel: what it sends crosses the shard's answer to a newer one. */
  readonly older: readonly number[];
  readonly channel: Channel;
  /** By which the shard knows it; undefined before it was named, and when it is no member. */
  quorumId: number | undefined;
  /** The shard has named its place: it has everything. */
  isNamed: boolean;
}

interface Upstream {
  keep: { stop(): void };
  channel: Channel | undefined;
  /** The step that it has said last on this connection. */
  said: number | undefined;
  sending: SendingWay;
}

/** Others that are told of the same membership attach at about the same time: one answer for all of them. */
const gatherMs = 2;
/** A member that does not come does without. */
const longestGatherMs = 200;
/** As for a worker that is refused: the third in a row, without a step between, is ours to answer for. */
const mostRefusals = 3;

type Handler = (message: Message, slices: readonly Uint8Array[]) => void;

export interface RelayWayOptions {
  readonly runId: string;
  /** Whose process relays. */
  readonly workerId: string;
  readonly index: number;
  readonly address: string;
  readonly prepared: Pick<PreparedRun, "spec" | "layout" | "owned">;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly keepShard: WorkerOptions["keepShard"];
  readonly spans?: SpanRecorder;
  readonly probe?: WorkerOptions["probe"];
  readonly onFailed: (error: unknown) => void;
}

export function createRelayWay(options: RelayWayOptions): RelayWay {
  const { runId, workerId, index, prepared, arithmetic, clock, spans, probe } = options;
  const last = lastStep(prepared.spec);
  let address = options.address;
  let locals: readonly Local[] = [];
  let places = 0;
  let group: Group | undefined;
  let upstream: Upstream | undefined;
  let step: RelayedStep | undefined;
  /** Of the step: those who have not sent their part by now are not waited for. */
  let impatient = false;
  let refusals = 0;
  let cancelGather: (() => void) | undefined;

  const patience = createPatience({
    clock,
    onOver() {
      impatient = true;
      flush();
    },
  });

  const drop = (): void => {
    patience.closed();
    step?.release();
    step = undefined;
    impatient = false;
  };

  const open = (timeline: number, at: number): void => {
    drop();
    // The final weights are told too; nothing comes of them.
    if (at > last) return;
    const onSent = probe && (() => probe("mid-relay", at));
    step = openRelayedStep({ runId, prepared, arithmetic, index, timeline, step: at, onSent });
    patience.opened(step.plan);
  };

  const anyQuorum = (): number | undefined => locals.find((local) => local.quorumId !== undefined)?.quorumId;

  const flush = (): void => {
    const quorumId = anyQuorum();
    if (!step || !upstream?.channel || upstream.said !== step.plan.step || quorumId === undefined) return;
    const whole = awaited();
    step.send(upstream.channel, quorumId, impatient ? undefined : whole, upstream.sending);
    if (whole && step.isSent(whole)) patience.complete();
  };

  /** What comes of all who are here: whoever is not may have gone straight to the shard. */
  const awaited = (): readonly Lease[] | undefined =>
    group?.workers.flatMap(({ workerId: who, leases }) =>
      locals.some((local) => local.workerId === who) ? leases : [],
    );

  /** What a peer gets wrong closes its channel, what we get wrong is ours to answer for. */
  const listenTo = (channel: Channel, handle: Handler): void =>
    channel.onMessage((message, slices) => {
      try {
        if (message.runId === runId) handle(message, slices);
        else channel.close(closeCodes.wrongRun, `this is run ${runId}, not ${message.runId}`);
      } catch (error) {
        if (error instanceof ProtocolError)
          channel.close(closeCodes.protocolError, error.message.slice(0, 120));
        else options.onFailed(error);
      }
    });

  // --- the shard ----------------------------------------------------------------------------------------------------

  const attachSoon = (): void => {
    if (!upstream?.channel || locals.length === 0) return;
    const isComplete =
      group?.workers.every((one) => locals.some((local) => local.workerId === one.workerId)) ?? true;
    if (!isComplete && cancelGather) return;
    cancelGather?.();
    cancelGather = clock.after(isComplete ? gatherMs : longestGatherMs, () => {
      cancelGather = undefined;
      const behind = locals.map((local) => ({ workerId: local.workerId, place: local.place }));
      if (behind.length === 0) return;
      upstream?.channel?.send({ type: "attach", runId, protocol: protocolVersion, workerId, behind });
    });
  };

  const takeBroadcast = (message: MessageOf<"broadcast">, slices: readonly Uint8Array[]): void => {
    const { behind, offersOver, portionBytes, ...own } = message;
    if (!behind || !upstream) throw new ProtocolError("a broadcast that does not say whom it is for");
    const named = new Map(behind.map(({ place, quorumId }) => [place, quorumId]));
    const quorumOf = ({ place, older }: Local): number | undefined =>
      [place, ...older].map((one) => named.get(one)).find((one) => one !== undefined);
    // Invariant 2.
    const isOther = locals.some(
      (local) => local.quorumId !== undefined && local.quorumId !== quorumOf(local),
    );
    const before = step?.timeline === message.timeline ? step.plan.step : undefined;
    const newest = Math.max(before ?? message.step, message.step);
    if (newest !== before) refusals = 0;
    for (const local of locals) {
      local.quorumId = quorumOf(local);
      local.isNamed = named.has(local.place);
    }
    if (isOther || newest !== before) open(message.timeline, newest);
    else if (upstream.said === undefined) step?.forgetSent();
    upstream.said = message.step;
    upstream.sending = { offersOver, portionBytes };
    const copies = once(() => slices.map((slice) => slice.slice()));
    const staged = (channel: Channel, own: Message): (() => void) =>
      channel.stage(own, slices) ?? (() => channel.send(own, copies()));
    const leaving = locals.flatMap(({ quorumId, isNamed, channel }) =>
      quorumId === undefined || !isNamed ? [] : [staged(channel, { ...own, quorumId })],
    );
    // As a shard does: whoever is told begins to compute, and takes this process's core.
    for (const leave of leaving) leave();
    flush();
  };

  const answer = (channel: Channel, ask: MessageOf<"ask">): void => {
    const quorumId = anyQuorum() ?? 0;
    const isAt = step?.timeline === ask.timeline && step.plan.step === ask.step;
    if (!isAt || step?.answer(channel, quorumId, ask) !== true) channel.send(withdrawal(quorumId, ask));
  };

  const connect = (): Upstream => {
    const made: Upstream = {
      keep: { stop: () => undefined },
      channel: undefined,
      said: undefined,
      sending: {},
    };
    made.keep = options.keepShard(address, (channel) => {
      if (upstream !== made) return;
      made.channel = channel;
      made.said = undefined;
      listenTo(channel, (message, slices) => {
        if (message.type === "broadcast") takeBroadcast(message, slices);
        else if (message.type === "ask") answer(channel, message);
        else throw new ProtocolError(`a relay does not take "${message.type}" from a shard`);
      });
      channel.onClose((code, reason) => {
        if (upstream !== made || made.channel !== channel) return;
        made.channel = undefined;
        if (code === closeCodes.done) closeLocals(closeCodes.done, reason);
        if (code === closeCodes.protocolError && (refusals += 1) >= mostRefusals)
          options.onFailed(
            new Error(`parameter-server shard ${index} does not take what is relayed to it: ${reason}`),
          );
      });
      attachSoon();
    });
    return made;
  };

  const disconnect = (): void => {
    const before = upstream;
    upstream = undefined;
    before?.keep.stop();
    cancelGather?.();
    cancelGather = undefined;
    drop();
  };

  // --- workers of this host -----------------------------------------------------------------------------------------

  const closeLocals = (code: CloseCode, reason: string): void => {
    const before = locals;
    locals = [];
    for (const { channel } of before) channel.close(code, reason);
  };

  const attach = (channel: Channel, message: MessageOf<"attach">): void => {
    if (message.protocol !== protocolVersion || message.behind || message.holds)
      throw new ProtocolError("a relay serves workers of its own protocol, in modes without an order");
    const before = locals.filter((local) => local.workerId === message.workerId);
    const others = locals.filter((local) => local.workerId !== message.workerId);
    const same = before.find((local) => local.channel === channel);
    const local: Local = {
      ...{ workerId: message.workerId, place: (places += 1), channel, isNamed: false },
      older: same ? [same.place, ...same.older] : [],
      quorumId: same?.quorumId,
    };
    locals = [...others, local];
    for (const one of before)
      if (one !== same) one.channel.close(closeCodes.replaced, "the same worker has connected again");
    upstream ??= connect();
    attachSoon();
  };

  const takePush = (local: Local, message: MessageOf<"push">, slices: readonly Uint8Array[]): void => {
    // Invariant 2; and what is of another timeline, or of a step that the shard has gone back before, is void.
    if (local.quorumId !== message.quorumId || message.timeline !== step?.timeline) return;
    if (message.step > step.plan.step) return;
    // One that has lost everything begins once more in the same timeline: it would wait for this step for ever.
    if (message.step < step.plan.step && message.step === upstream?.said)
      open(message.timeline, message.step);
    if (message.step < step.plan.step) {
      tellLate(local, message, slices);
      return;
    }
    const takenMs = spans?.nowMs() ?? 0;
    step.accept(message, slices, local.workerId);
    spans?.add("reduce", message.timeline, message.step, takenMs, spans.nowMs(), local.workerId);
    flush();
  };

  /** An audit's answer may come when its step is over: the shard compares it with what the other one sent. */
  const tellLate = (local: Local, message: MessageOf<"push">, slices: readonly Uint8Array[]): void => {
    const { level, index: at } = message.node;
    const part: [number, number, string, string] = [level, at, local.workerId, arithmetic.digest(...slices)];
    upstream?.channel?.send({ ...message, payloads: [], parts: [part] });
  };

  const take = (channel: Channel, message: Message, slices: readonly Uint8Array[]): void => {
    const local = locals.find((one) => one.channel === channel);
    if (message.type === "attach") attach(channel, message);
    else if (message.type !== "push") throw new ProtocolError(`a relay does not take "${message.type}"`);
    else if (local) takePush(local, message, slices);
  };

  return {
    accept(channel) {
      listenTo(channel, (message, slices) => take(channel, message, slices));
      channel.onClose(() => {
        const others = locals.filter((local) => local.channel !== channel);
        if (others.length === locals.length) return;
        locals = others;
        if (others.length > 0) flush();
        // Nobody is to be sent weights for.
        else disconnect();
      });
    },
    serve(next) {
      group = next;
      // Whom to wait for has changed while somebody was waited for.
      if (cancelGather) attachSoon();
      flush();
    },
    moveTo(next) {
      if (next === address && upstream?.channel) return;
      address = next;
      if (!upstream) return;
      upstream.keep.stop();
      upstream = undefined;
      upstream = connect();
    },
    close(code, reason) {
      closeLocals(code, reason);
      disconnect();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
