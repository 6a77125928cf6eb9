import type { LaunchedRun } from "./launched-run.ts";

/** Follows Ctrl-C (SIGINT) and SIGTERM from before a run is started until it has ended. */
export interface Interrupts {
  /** From here on the run is stopped by them; at once, if one came while it was being started. */
  attach(run: LaunchedRun, say: (text: string) => void): void;
  /** How many came. */
  readonly count: number;
  release(): void;
}

const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * The first asks the run to finish its step, write a checkpoint and end; the second ends everything at once. Before
 * there is a run to stop, the second ends this process.
 */
export function catchInterrupts(): Interrupts {
  let count = 0;
  let attached: { readonly run: LaunchedRun; readonly say: (text: string) => void } | undefined;
  const stop = (): void => {
    if (!attached) return;
    const { run, say } = attached;
    if (count > 1) {
      say("ending at once");
      run.stopNow();
      return;
    }
    say("finishing the step and writing a checkpoint; Ctrl-C again ends at once");
    run.stop("interrupted by the user").catch(() => run.stopNow());
  };
  const onSignal = (): void => {
    count += 1;
    if (!attached && count > 1) process.exit(130);
    stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    get count() {
      return count;
    },
    attach(run, say) {
      attached = { run, say };
      if (count > 0) stop();
    },
    release() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
