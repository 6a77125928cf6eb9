import type { Label, LabelledClock, VirtualClock } from "../virtual-clock.ts";

/**
 * One process of a simulated cluster: everything that reaches an engine goes through `enter`.
 *
 * Invariants:
 * 1. A dead process begins nothing, ever again; what it is in the middle of goes on to its end and reaches nobody.
 * 2. A paused one (SIGSTOP) runs nothing until it goes on; what reaches it meanwhile waits, in order.
 * 3. A slow one takes its events one by one, each after `slowness` times what it usually costs.
 */
export interface SimProcess {
  readonly name: string;
  readonly state: "running" | "paused" | "dead";
  /** The engine's clock: its timers enter like everything else. */
  readonly clock: LabelledClock;
  /** 1 when it runs as it should. */
  readonly slowness: number;
  enter(task: () => void): void;
  kill(): void;
  pause(): void;
  goOn(): void;
  setSlowness(factor: number): void;
}

/** What an event costs a process that runs as it should, once it is made slow. */
const eventMs = 0.1;

export function createProcess(
  clock: VirtualClock,
  name: string,
  /** The engine threw: a real process would end with a stack trace. */
  onCrash: (error: unknown) => void,
): SimProcess {
  let draining = false;
  let timers = 0;
  const backlog: (() => void)[] = [];

  const isAlive = (): boolean => own.state !== "dead";

  const guarded = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      // One that was ended in the middle of something may stumble over what is left.
      if (isAlive()) onCrash(error);
    }
  };

  const drain = (): void => {
    if (draining || own.state !== "running" || backlog.length === 0) return;
    draining = true;
    clock.after(own.slowness > 1 ? eventMs * own.slowness : 0, () => {
      draining = false;
      if (own.state !== "running") return;
      const task = backlog.shift();
      if (task) guarded(task);
      drain();
    });
  };

  const enter = (task: () => void): void => {
    if (own.state === "dead") return;
    if (own.state === "running" && own.slowness === 1 && backlog.length === 0) {
      guarded(task);
      return;
    }
    backlog.push(task);
    drain();
  };

  // Fields, not getters: V8 would make a dictionary of it, and every event looks at the state.
  const own = {
    name,
    state: "running" as SimProcess["state"],
    slowness: 1,
    clock: {
      nowMs: clock.nowMs,
      after(delayMs: number, run: () => void, label?: () => Label) {
        let live = true;
        const count = (timers += 1);
        const known =
          label ?? ((): Label => ({ kind: "timer", processes: [name], way: `${name} timer ${count}` }));
        const cancel = clock.after(
          delayMs,
          () => enter(() => live && run()),
          () => (own.state === "dead" ? { ...known(), isVoid: true } : known()),
        );
        return () => {
          live = false;
          cancel();
        };
      },
    },
    enter,
    kill() {
      own.state = "dead";
      backlog.length = 0;
    },
    pause() {
      if (own.state === "running") own.state = "paused";
    },
    goOn() {
      if (own.state !== "paused") return;
      own.state = "running";
      drain();
    },
    setSlowness(factor: number) {
      own.slowness = factor;
      drain();
    },
  };
  return own;
}
