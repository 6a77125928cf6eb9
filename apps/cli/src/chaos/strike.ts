import { setTimeout as wait } from "node:timers/promises";
import {
  describeAction,
  type Fault,
  type FaultFolder,
  type FaultOf,
  type FaultPlan,
  type JournalLine,
  keyedRandom,
  pick,
  steadyWallMs,
  writeJournal,
} from "@latentweave/faults";
import type { LaunchedProcess, LaunchedProcesses, LaunchedRun } from "../train/launched-run.ts";
import type { DrillDisk } from "./disk.ts";
import { isNetworkFault, type Network } from "./network.ts";
import { loseMemory } from "./lose-memory.ts";
import { signalQuietly, throttle } from "./throttle.ts";

export type DisturbedRun = LaunchedRun & LaunchedProcesses;

/** Damage that waits for the run to be down. */
export interface PendingDamage {
  readonly number: number;
  readonly fault: FaultOf<"damage-checkpoint" | "damage-ledger">;
}

/** Does what a plan says from outside, and the rest of what processes began to do to themselves. */
export interface Striker {
  /** Does nothing, and leaves the fault to the next start, where the run ends before there is somebody to strike. */
  strike(
    number: number,
    fault: Fault,
    at: { run: DisturbedRun; step: number; isOver: () => boolean },
  ): Promise<void>;
  /** A process struck itself: what belongs to the fault beyond that process is done here. */
  followUp(line: Extract<JournalLine, { kind: "struck" }>, fault: Fault, run: DisturbedRun): void;
  /** Taken away by the caller, who knows when the run is down. */
  takeDamage(): readonly PendingDamage[];
  /** Ends what still lasts, and what is only about to: filling a disk takes a while. */
  endAll(): Promise<void>;
}

type Ending = () => void | Promise<void>;

/** A process that is being started again is back within this time. */
const presentMs = 15_000;
const lookMs = 50;
/** A worker leaves at once; a shard beside it would stay until the run is over. */
const rejoinGraceMs = 5_000;

export function createStriker(options: {
  readonly plan: FaultPlan;
  readonly folder: FaultFolder;
  readonly network: Network | undefined;
  readonly disk: DrillDisk | undefined;
  readonly say: (text: string) => void;
}): Striker {
  const { plan, folder, network, disk, say } = options;
  const lasting = new Map<number, () => Promise<void>>();
  const beginning = new Set<Promise<void>>();
  let damages: PendingDamage[] = [];

  const endAfter = (number: number, forMs: number, end: Ending): void => {
    const finish = async (): Promise<void> => {
      clearTimeout(timer);
      if (!lasting.delete(number)) return;
      await end();
      writeJournal(folder.journal, { kind: "over", fault: number, atMs: steadyWallMs() });
    };
    const timer = setTimeout(() => void finish(), forMs);
    lasting.set(number, finish);
  };

  const membersOf = (fault: Fault, number: number, run: DisturbedRun): readonly LaunchedProcess[] => {
    const alive = run.alive();
    if (fault.to === "everything") return alive;
    if (fault.to === "any-worker") {
      const workers = alive.filter(({ name }) => name.startsWith("worker-"));
      return workers.length === 0 ? [] : [pick(keyedRandom(number), "any-worker", workers)];
    }
    const names = plan.hosts[fault.to] ?? [fault.to];
    return alive.filter(({ name, beside }) => names.some((wanted) => wanted === name || wanted === beside));
  };

  const present = async (fault: Fault, number: number, run: DisturbedRun, isOver: () => boolean) => {
    const endMs = performance.now() + presentMs;
    for (;;) {
      const members = membersOf(fault, number, run);
      if (members.length > 0 || performance.now() > endMs || isOver()) return members;
      await wait(lookMs);
    }
  };

  const skip = (number: number, reason: string): void => {
    if (!folder.claim(number, "controller")) return;
    writeJournal(folder.journal, { kind: "skipped", fault: number, atMs: steadyWallMs(), reason });
    say(`fault ${number} is skipped: ${reason}`);
  };

  const act = async (
    number: number,
    fault: Fault,
    run: DisturbedRun,
    members: readonly LaunchedProcess[],
  ) => {
    const pids = members.flatMap(({ pid }) => pid ?? []);
    const signal = (name: NodeJS.Signals): void => pids.forEach((pid) => void signalQuietly(pid, name));
    switch (fault.do) {
      case "kill":
        return signal("SIGKILL");
      case "lose-memory":
        await loseMemory(run.runId, fault.to === "everything" ? undefined : [fault.to]);
        return signal("SIGKILL");
      case "stop":
        signal("SIGSTOP");
        return endAfter(number, fault.forMs, () => signal("SIGCONT"));
      case "slow":
        return endAfter(number, fault.forMs, throttle(pids, 1 / fault.factor));
      case "drain":
        for (const member of members) void drain(member, fault.graceMs);
        return;
      case "join":
        return run.startWorker(fault.to);
      case "rejoin": {
        const before = run.process(fault.to);
        if (before) await drain(before, rejoinGraceMs);
        return run.startWorker(fault.to);
      }
      case "disk-full":
        if (disk) endAfter(number, fault.forMs, await disk.fill());
        return;
      case "disk-read-only":
        if (disk) endAfter(number, fault.forMs, await disk.close());
        return;
      case "damage-checkpoint":
      case "damage-ledger":
        damages.push({ number, fault });
        return run.stopNow();
      default:
        if (isNetworkFault(fault) && network)
          endAfter(
            number,
            fault.forMs,
            await network.strike(
              fault,
              // By the plan's names: of a worker and a shard in one process one is meant.
              fault.to === "any-worker"
                ? members.map(({ name }) => name)
                : (plan.hosts[fault.to] ?? [fault.to]),
            ),
          );
    }
  };

  return {
    async strike(number, fault, { run, step, isOver }) {
      const needsNobody = fault.do === "join" || fault.do === "rejoin";
      const members = needsNobody ? [] : await present(fault, number, run, isOver);
      if (isOver()) return;
      if (members.length === 0 && !needsNobody) return skip(number, `${fault.to} is not running`);
      if (!folder.claim(number, "controller")) return;
      const first = members[0];
      writeJournal(folder.journal, {
        kind: "struck",
        fault: number,
        atMs: steadyWallMs(),
        process: fault.to === "any-worker" && first ? first.name : fault.to,
        pid: first?.pid ?? 0,
        step,
        moment: null,
      });
      say(
        `step ${step}: ${first && fault.to === "any-worker" ? first.name : fault.to} ${describeAction(fault)}`,
      );
      const begun = act(number, fault, run, members);
      beginning.add(begun);
      await begun.finally(() => beginning.delete(begun));
    },
    followUp(line, fault, run) {
      say(
        `step ${line.step}: ${line.process} ${describeAction(fault)}${line.moment === null ? "" : `, ${line.moment}`}`,
      );
      if (fault.do === "stop")
        endAfter(line.fault, fault.forMs, () => void signalQuietly(line.pid, "SIGCONT"));
      if (fault.do !== "kill") return;
      // One of them reached the moment; the others go with it.
      for (const { pid } of membersOf(fault, line.fault, run))
        if (pid !== undefined && (fault.to === "everything" || fault.to in plan.hosts))
          signalQuietly(pid, "SIGKILL");
    },
    takeDamage() {
      const taken = damages;
      damages = [];
      return taken;
    },
    async endAll() {
      await Promise.allSettled(beginning);
      for (const finish of [...lasting.values()]) await finish();
    },
  };
}

/** SIGTERM, and SIGKILL for who is still there when the grace is over: what spot instances and Kubernetes do. */
async function drain(member: LaunchedProcess, graceMs: number): Promise<void> {
  member.interrupt();
  const timer = setTimeout(() => member.kill(), graceMs);
  await member.ended;
  clearTimeout(timer);
}
