import type { Launcher } from "../cluster/launcher.ts";
import { checkpointFiles, checkpointOf } from "../cluster/disk-store.ts";
import type { World } from "../cluster/world.ts";
import type { Outgoing } from "../world/connection.ts";
import type { SimProcess } from "../world/process.ts";
import type { Fault, When } from "./schedule.ts";

/** Lets a schedule's faults happen when they are due. */
export interface Striker {
  /** Sets what has a time. */
  begin(): void;
  /** May end the sender: what it sends from then on reaches nobody. */
  sending(outgoing: Outgoing): void;
  /** May end the process: whatever it still does reaches nobody. */
  passing(process: SimProcess, moment: string, step: number): void;
  /** So many events have passed. */
  passed(events: number): void;
  /** The leader decides a step for the first time. */
  committed(step: number): void;
  /** Virtual time from which on everything is as it should be, as far as is known now. */
  readonly calmAfterMs: number;
  /** Faults that have struck. */
  readonly struck: number;
  /** Files were damaged. */
  readonly isDamaged: boolean;
}

export function createStriker(world: World, launcher: () => Launcher): Striker {
  const { schedule, clock, network } = world;
  const due = new Set(schedule.faults);
  const byEvent = schedule.faults.filter(({ when }) => "atEvent" in when);
  let calmAfterMs = 0;
  let struck = 0;
  let isDamaged = false;

  const after = (ms: number, run: () => void): void => {
    calmAfterMs = Math.max(calmAfterMs, clock.nowMs() + ms);
    clock.after(ms, run);
  };

  const strike = (fault: Fault): void => {
    if (!due.delete(fault)) return;
    struck += 1;
    calmAfterMs = Math.max(calmAfterMs, clock.nowMs());
    carryOut(fault);
  };

  const carryOut = (fault: Fault): void => {
    const run = launcher();
    if ("downMs" in fault) after(fault.downMs, () => undefined);
    switch (fault.what) {
      case "kill":
      case "power-cut":
        run.kill(fault.who, fault.what === "power-cut", fault.downMs);
        return;
      case "kill-all":
        run.killAll(fault.power, fault.downMs);
        return;
      case "pause": {
        const process = run.process(fault.who);
        if (!process) return;
        process.pause();
        network.look(process);
        after(fault.forMs, () => {
          process.goOn();
          network.look(process);
        });
        return;
      }
      case "slow": {
        const process = run.process(fault.who);
        process?.setSlowness(fault.factor);
        after(fault.forMs, () => process?.setSlowness(1));
        return;
      }
      case "join":
        run.join(fault.who);
        return;
      case "leave":
        run.leave(fault.who, fault.downMs);
        return;
      case "rejoin":
        run.rejoin(fault.who);
        return;
      case "cut":
        network.cut(fault.a, fault.b);
        return;
      case "half-open":
        // Nobody hears of the end of a connection while it is sending on it.
        clock.after(0, () => network.halfOpen(fault.hears, fault.deaf));
        return;
      case "partition":
        network.block(fault.a, fault.b);
        after(fault.forMs, () => network.unblock(fault.a, fault.b));
        return;
      case "isolate": {
        const others = run.names().filter((name) => name !== fault.who);
        for (const name of others) network.block(fault.who, name);
        after(fault.forMs, () => {
          for (const name of others) network.unblock(fault.who, name);
        });
        return;
      }
      case "slow-link":
        network.slow(fault.a, fault.b, fault);
        after(fault.forMs, () => network.slow(fault.a, fault.b, undefined));
        return;
      case "disk-full":
        world.disk.full = true;
        after(fault.forMs, () => {
          world.disk.full = false;
        });
        return;
      case "disk-slow":
        world.diskExtraMs = fault.extraMs;
        after(fault.forMs, () => {
          world.diskExtraMs = 0;
        });
        return;
      case "flip": {
        const random = world.random(`flip at ${clock.nowMs()}`);
        const files = checkpointFiles(world.disk);
        if (files.length === 0) return;
        isDamaged = true;
        const file = random.pick(files);
        world.watch.damaged(checkpointOf(file));
        world.disk.flip(file, random);
        return;
      }
      case "clock-jump":
        world.wallJumpMs += fault.byMs;
        return;
      case "stop":
        run.stop(fault.downMs);
    }
  };

  const timed = (fault: Fault, when: When): void => {
    if ("atMs" in when) clock.after(when.atMs, () => strike(fault));
  };
  /** Faults that wait for this process to do something in or after a step. */
  const strikeAll = (process: string, step: number, isIt: (when: When) => boolean): void => {
    for (const fault of due) {
      const { when } = fault;
      if ("by" in when && when.by === process && step >= when.atStep && isIt(when)) strike(fault);
    }
  };

  return {
    begin() {
      for (const fault of schedule.faults) timed(fault, fault.when);
    },
    sending({ from, message }) {
      if (due.size === 0) return;
      const step =
        "step" in message ? message.step : "version" in message ? (message.version ?? Infinity) : Infinity;
      strikeAll(from, step, (when) => "sends" in when && when.sends === message.type);
    },
    passing(process, moment, step) {
      if (due.size === 0) return;
      strikeAll(process.name, step, (when) => "moment" in when && when.moment === moment);
    },
    passed(events) {
      for (const fault of byEvent)
        if ("atEvent" in fault.when && fault.when.atEvent === events) strike(fault);
    },
    committed(step) {
      for (const fault of due) {
        const { when } = fault;
        if ("afterMs" in when && when.atStep === step) clock.after(when.afterMs, () => strike(fault));
      }
    },
    get calmAfterMs() {
      return calmAfterMs;
    },
    get struck() {
      return struck;
    },
    get isDamaged() {
      return isDamaged;
    },
  };
}
