import {
  type Channel,
  type Clock,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  type RunStore,
} from "@latentweave/protocol";
import type { ProfileSink } from "./coordinator-options.ts";
import { admit, type RunClass } from "./admission.ts";
import { createMember, type Member, takeReport } from "./member.ts";
import type { RunLog } from "./run-log.ts";

/** Workers that give up one after the other with nothing committed between: the fault is the run's, not theirs. */
const mostGiveUps = 3;

/** Workers that went, kept for whoever asks what became of them; in a fleet that always changes there is no end of them. */
const mostGone = 200;

/** Between the first worker and the first step: others started with it need about as long to load their backend. */
const gatherMs = 20_000;

/**
 * The workers of a run: who says hello, whose canary matches, who leaves or is lost. Who computes what is the quorum's.
 *
 * Invariant 2 of the coordinator: a worker becomes active only after its canary matched the run's.
 */
export interface Membership {
  /** @returns what takes the worker's further messages. */
  greet(channel: Channel, hello: MessageOf<"hello">): (message: Message) => void;
  /**
   * Those who were late are asked for their canary: with their leases they have lost what they would report on, and
   * whoever was only stopped for a while would never be heard of again.
   */
  askSuspended(): void;
  /** The parameter server is there: those who said hello may load the model. */
  welcomeAll(): void;
  everyone(): Iterable<Member>;
  active(): Member[];
  /** Something was committed: whoever gave up before was not the run's fault. */
  committed(): void;
  readonly runClass: RunClass | undefined;
  /** It sent wrong bits: it is let in no more. */
  quarantine(workerId: string): void;
  readonly quarantined: readonly string[];
  /** Nobody is waited for any longer. */
  close(): void;
}

export function createMembership(options: {
  readonly clock: Clock;
  readonly store: RunStore;
  readonly profile: ProfileSink | undefined;
  readonly log: RunLog;
  readonly expectedWorkers: number;
  readonly runClass: RunClass | undefined;
  /** Worker ids that are let in no more. */
  readonly quarantined: readonly string[];
  /** Undefined while the shards' addresses are not known. */
  readonly welcomeFor: (channel: Channel) => MessageOf<"welcome"> | undefined;
  readonly isOver: () => boolean;
  /** Membership changed after the first workers had gathered, or they just have. */
  readonly onChange: (why: string) => void;
  readonly onFailed: (reason: string) => void;
}): Membership {
  const { log } = options;
  const members = new Map<string, Member>();
  let runClass = options.runClass;
  const quarantined = new Set(options.quarantined);
  let gathering: (() => void) | undefined;
  let gathered = false;
  let giveUps = 0;

  const active = (): Member[] => [...members.values()].filter((member) => member.state === "active");

  const changed = (why: string): void => {
    if (gathered && !options.isOver()) options.onChange(why);
  };

  const gatheringOver = (): void => {
    if (gathered || options.isOver()) return;
    gathering?.();
    gathered = true;
    changed("the first workers are here");
  };

  const welcome = (member: Member): void => {
    if (member.state !== "joining" || !member.channel) return;
    const message = options.welcomeFor(member.channel);
    if (message) member.channel.send(message);
  };

  const forgetOldest = (): void => {
    const gone = [...members.values()].filter(
      ({ channel, state }) => channel === undefined && state !== "active",
    );
    for (const { workerId } of gone.slice(0, Math.max(0, gone.length - mostGone))) members.delete(workerId);
  };

  /** The member counts no longer; its leases, if it had any, go to others. */
  const withdraw = (member: Member, state: "left" | "lost", why: string): void => {
    const wasActive = member.state === "active";
    member.state = state;
    if (wasActive) changed(why);
  };

  const takeGiveUp = (member: Member, message: string): void => {
    giveUps += 1;
    log.event("error", `worker ${member.workerId} gave up: ${message}`);
    withdraw(member, "lost", `worker ${member.workerId} gave up`);
    if (giveUps >= mostGiveUps && active().length === 0)
      options.onFailed(
        `${giveUps} workers in a row gave up and nothing was committed between; the last said: ${message}`,
      );
  };

  const lost = (member: Member, code: number, why: string): void => {
    member.channel = undefined;
    if (options.isOver() || (member.state !== "joining" && member.state !== "active")) return;
    log.event(
      "warning",
      `worker ${member.workerId} (process ${member.pid}) lost: ${why || `connection closed (${code})`}`,
    );
    withdraw(member, "lost", `worker ${member.workerId} was lost`);
  };

  const answers = (member: Member): void => {
    if (!member.suspended) return;
    member.suspended = false;
    if (member.state === "active") changed(`worker ${member.workerId} answers again`);
  };

  const takeCanary = (member: Member, digest: string): void => {
    answers(member);
    // A worker that reconnects while it loads may send it twice.
    if (member.state !== "joining") return;
    runClass ??= { digest, determinismClass: member.determinismClass };
    const admission = admit(runClass, digest, member.determinismClass);
    if (admission.kind === "refused") {
      member.state = "refused";
      log.event("error", `worker ${member.workerId} refused: ${admission.reason}`);
      member.channel?.close(closeCodes.wrongClass, admission.summary);
      return;
    }
    if (admission.kind === "admitted-differing")
      log.event(
        "warning",
        `worker ${member.workerId} computes the run's bits on a different device (${admission.differences.join("; ")})`,
      );
    member.state = "active";
    log.event(
      "info",
      `worker ${member.workerId} joined (process ${member.pid} on ${member.host}, ${member.determinismClass.backend ?? "?"})`,
    );
    if (gathered) changed(`worker ${member.workerId} joined`);
    else if (active().length >= options.expectedWorkers) gatheringOver();
    else gathering ??= options.clock.after(gatherMs, gatheringOver);
  };

  const takeWorkerReport = (member: Member, report: MessageOf<"worker-report">): void => {
    takeReport(member, report);
    answers(member);
    const { fetchedBytes, residentBytes } = report;
    for (const { step, chosen } of report.steps)
      if (chosen !== undefined)
        log.event(
          "info",
          `worker ${member.workerId} pushes with another codec after step ${step}: ${chosen}`,
        );
    for (const { step, timings, ...measured } of report.steps)
      options.store.appendMetric("workers", {
        ...{ process: member.workerId, step, ...timings },
        ...{ ...measured, fetchedBytes, residentBytes },
      });
    options.profile?.take(member.workerId, report.profile);
  };

  const take = (member: Member, message: Message): void => {
    switch (message.type) {
      case "canary":
        takeCanary(member, message.digest);
        return;
      case "worker-report":
        takeWorkerReport(member, message);
        return;
      case "leaving":
        log.event("info", `worker ${member.workerId} left: ${message.reason}`);
        withdraw(member, "left", `worker ${member.workerId} left`);
        return;
      case "failed":
        takeGiveUp(member, message.message);
        return;
      default:
        throw new ProtocolError(`the coordinator does not take "${message.type}" from a worker`);
    }
  };

  return {
    greet(channel, hello) {
      if (quarantined.has(hello.id)) {
        log.event("warning", `worker ${hello.id} is quarantined and was not let in`);
        channel.close(
          closeCodes.wrongClass,
          "quarantined: it sent wrong bits; run `latentweave doctor` here",
        );
        return () => undefined;
      }
      const before = members.get(hello.id);
      const old = before?.channel;
      if (before) before.channel = undefined;
      old?.close(closeCodes.replaced, "the same worker has connected again");
      const member = createMember(hello, channel);
      // At the end of the row: whoever came back is not the oldest.
      members.delete(hello.id);
      members.set(hello.id, member);
      forgetOldest();
      // Its older self's leases must not wait for a canary that may never come.
      if (before?.state === "active") changed(`worker ${member.workerId} has connected again`);
      channel.onClose((code, why) => {
        if (member.channel === channel) lost(member, code, why);
      });
      welcome(member);
      return (message) => {
        if (member.channel === channel) take(member, message);
      };
    },
    askSuspended() {
      for (const member of members.values()) {
        const message = member.suspended && member.channel ? options.welcomeFor(member.channel) : undefined;
        if (message) member.channel?.send(message);
      }
    },
    welcomeAll() {
      for (const member of members.values()) welcome(member);
    },
    everyone: () => members.values(),
    active,
    get runClass() {
      return runClass;
    },
    committed() {
      giveUps = 0;
    },
    quarantine(workerId) {
      quarantined.add(workerId);
      const member = members.get(workerId);
      if (!member) return;
      const { channel } = member;
      member.channel = undefined;
      member.state = "quarantined";
      channel?.close(closeCodes.wrongClass, "quarantined: it sent wrong bits; run `latentweave doctor` here");
      changed(`worker ${workerId} is quarantined`);
    },
    get quarantined() {
      return [...quarantined];
    },
    close: () => gathering?.(),
  };
}
