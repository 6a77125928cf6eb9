import type { Label } from "../virtual-clock.ts";
import { createProcess, type SimProcess } from "../world/process.ts";
import { startCoordinator, type StartedCoordinator } from "./run-coordinator.ts";
import { startShard } from "./run-shard.ts";
import { type Started, startWorker } from "./run-worker.ts";
import type { World } from "./world.ts";

/** How long a launcher waits before it starts again what ended by itself. */
const restartMs = 40;
/** A coordinator that begins again starts its shards and workers anew; they come one after the other. */
const spreadMs = 5;

/** Until nothing of a dead process is on its way any more. */
const releaseMs = 5;

interface Slot {
  readonly process: SimProcess;
  readonly started: Started;
}

/** What starts, restarts and kills the processes of a run, as `train` does. */
export interface Launcher {
  /** Everything, from the beginning or from what the disk has. */
  launch(): void;
  /** `kill -9`, or with the power of its host; started again after `downMs`. */
  kill(name: string, power: boolean, downMs: number): void;
  killAll(power: boolean, downMs: number): void;
  /** Ctrl-C: the run ends after a checkpoint and is resumed after `downMs`. */
  stop(downMs: number): void;
  join(name: string): void;
  leave(name: string, downMs: number): void;
  /** A second process under the same identity, beside the first. */
  rejoin(name: string): void;
  process(name: string): SimProcess | undefined;
  names(): string[];
  /** The run's end, once it has one. */
  readonly finished: { readonly hash: string | null } | undefined;
  /** Takes everything apart. */
  end(): void;
}

export function createLauncher(
  world: World,
  options: {
    /** Files were damaged: a failed run is no surprise. */
    readonly excused: () => boolean;
  },
): Launcher {
  const { schedule, network, clock } = world;
  const slots = new Map<string, Slot>();
  const retired: Slot[] = [];
  /** Dead, and what they held not free yet. */
  const leaving = new Set<Started>();
  let coordinator: StartedCoordinator | undefined;
  let finished: Launcher["finished"];
  let over = false;
  /** Raised with every launch of everything: what was to be started for an earlier one is not. */
  let launches = 0;
  let resumes = false;
  /** The next coordinator follows one that was killed. */
  let successor = false;
  let resumeAfterMs: number | undefined;

  const processNamed = (name: string): SimProcess =>
    createProcess(clock, name, (error) => {
      if (!over)
        world.watch.violated("crash", `${name}: ${error instanceof Error ? error.stack : String(error)}`);
    });

  const later = (delayMs: number, run: () => void, label?: () => Label): void => {
    const launch = launches;
    const act = (): void => {
      if (launch === launches && !over && !finished) run();
    };
    clock.after(delayMs, act, label);
  };
  const startOf = (name: string) => (): Label => ({
    kind: "start",
    processes: [name],
    way: `start of ${name}`,
  });
  const startLater = (delayMs: number, name: string): void =>
    later(delayMs, () => start(name), startOf(name));

  const retire = (name: string, slot: Slot, heard: boolean): void => {
    world.vaults.died(name, heard);
    slot.process.kill();
    network.died(slot.process, heard);
    // Not at once: promises of the dead process may still be on their way.
    leaving.add(slot.started);
    clock.after(releaseMs, () => {
      leaving.delete(slot.started);
      slot.started.release();
    });
    if (slots.get(name) === slot) slots.delete(name);
    if (name === "coordinator" && slot.started === coordinator) coordinator = undefined;
  };

  const start = (name: string): void => {
    if (over || finished || slots.has(name)) return;
    const process = processNamed(name);
    const slot: Slot = { process, started: startOne(name, process) };
    slots.set(name, slot);
    if (name !== "coordinator") return;
    for (const other of ended) startLater(restartMs, other);
    ended.clear();
  };

  const startOne = (name: string, process: SimProcess): Started => {
    if (name === "coordinator") return begin(process);
    if (name.startsWith("shard-"))
      return startShard(world, process, Number(name.slice("shard-".length)), ({ kind, reason = "" }) => {
        if (kind === "failed" && !options.excused())
          world.watch.violated("failed", `${name} gave up: ${reason}`);
        endOf(name, process, kind === "over" ? undefined : restartMs);
      });
    return startWorker(world, process, (end) => {
      if (end.kind === "failed" && !options.excused())
        world.watch.violated("failed", `${name} gave up: ${end.error.stack ?? end.error.message}`);
      const again =
        end.kind === "left"
          ? leftMs.get(name)
          : end.kind === "failed" || end.kind === "fatal"
            ? restartMs
            : undefined;
      leftMs.delete(name);
      endOf(name, process, again);
    });
  };

  /** The process has ended by itself. */
  const endOf = (name: string, process: SimProcess, againMs: number | undefined): void => {
    const slot = slots.get(name);
    if (slot?.process === process) retire(name, slot, true);
    else {
      const older = retired.find((one) => one.process === process);
      if (older) retire(name, older, true);
      return;
    }
    if (againMs !== undefined) startLater(againMs, name);
    else {
      ended.add(name);
      // It was told so late, by a coordinator that is no more.
      if (coordinator?.over === false)
        later(restartMs, () => ended.delete(name) && start(name), startOf(name));
    }
  };
  /** Those that were told that the run is over: a coordinator that comes after that needs them once more. */
  const ended = new Set<string>();
  const leftMs = new Map<string, number>();

  const begin = (process: SimProcess): StartedCoordinator => {
    const begun = startCoordinator(world, process, resumes, successor, {
      ended(outcome) {
        if (outcome.state === "finished") {
          finished = { hash: outcome.hash };
          return;
        }
        if (outcome.state === "failed" && !options.excused())
          world.watch.violated("failed", `the run failed: ${outcome.reason}`);
        relaunch(outcome.state === "interrupted" ? (resumeAfterMs ?? restartMs) : restartMs);
      },
      failed(error) {
        if (!options.excused())
          world.watch.violated(
            "failed",
            `the run could not be opened: ${error instanceof Error ? error.stack : String(error)}`,
          );
        relaunch(restartMs);
      },
    });
    coordinator = begun;
    resumes = true;
    successor = true;
    return begun;
  };

  const relaunch = (delayMs: number): void => {
    resumeAfterMs = undefined;
    launches += 1;
    later(delayMs, () => {
      for (const [name, slot] of [...slots]) retire(name, slot, true);
      world.vaults.clear();
      launchAll();
    });
  };

  const launchAll = (): void => {
    launches += 1;
    successor = false;
    start("coordinator");
    let at = 0;
    for (let index = 0; index < schedule.shards; index++) startLater((at += spreadMs), `shard-${index}`);
    for (let index = 0; index < schedule.workers; index++) startLater((at += spreadMs), `worker-${index}`);
  };

  const killOne = (name: string, power: boolean): void => {
    const slot = slots.get(name);
    if (!slot) return;
    retire(name, slot, !power);
    if (power && name === "coordinator") world.powerCut();
  };

  return {
    launch: launchAll,
    kill(name, power, downMs) {
      if (!slots.has(name)) return;
      killOne(name, power);
      startLater(downMs, name);
    },
    killAll(power, downMs) {
      launches += 1;
      const names = [...slots.keys()];
      for (const name of names) killOne(name, power);
      launches += 1;
      let at = downMs;
      for (const name of ["coordinator", ...names.filter((one) => one !== "coordinator")])
        startLater((at += spreadMs), name);
      for (let index = 0; index < schedule.shards; index++) startLater((at += spreadMs), `shard-${index}`);
      for (let index = 0; index < schedule.workers; index++) startLater((at += spreadMs), `worker-${index}`);
    },
    stop(downMs) {
      const running = coordinator?.coordinator;
      const process = slots.get("coordinator")?.process;
      if (!running || !process) return;
      resumeAfterMs = downMs;
      process.enter(() => running.stop("Ctrl-C"));
    },
    join: start,
    leave(name, downMs) {
      leftMs.set(name, downMs);
      slots.get(name)?.started.leave("asked to leave");
    },
    rejoin(name) {
      const slot = slots.get(name);
      if (!slot || !name.startsWith("worker-")) return;
      retired.push(slot);
      slots.delete(name);
      start(name);
    },
    process: (name) => slots.get(name)?.process,
    names: () => [...slots.keys()],
    get finished() {
      return finished;
    },
    end() {
      over = true;
      for (const slot of [...slots.values(), ...retired]) {
        slot.process.kill();
        slot.started.release();
      }
      for (const started of leaving) started.release();
    },
  };
}
