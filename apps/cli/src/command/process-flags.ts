import { Option, type Command } from "commander";

/** Flags of processes that a launcher starts. */
export interface ProcessFlags {
  readonly token?: string;
  readonly tokenStdin?: boolean;
  readonly withParent?: boolean;
}

export function withProcessFlags(command: Command): Command {
  return command
    .addOption(new Option("--token <token>", "the run's token").env("LATENTWEAVE_TOKEN"))
    .option("--token-stdin", "read the token from the first line of standard input")
    .option("--with-parent", "end when standard input ends");
}

/**
 * Signals, the launcher's lifeline and the token, for one process.
 * @param orphanMs how long it may take to leave when its launcher is gone
 */
export async function processContext(
  flags: ProcessFlags,
  orphanMs = drainMs,
): Promise<{ readonly token: string | undefined; readonly signal: AbortSignal }> {
  const { onParentGone, readSecret } = await import("@latentweave/launch");
  const leaving = new AbortController();
  const token = flags.tokenStdin ? await readSecret(process.stdin) : flags.token;
  if (flags.withParent || flags.tokenStdin) onParentGone(process.stdin, () => leave(orphanMs));
  let asked = false;
  const leave = (withinMs: number): void => {
    // Asked twice, or too slow to drain: a launcher that is gone waits for nobody.
    if (asked) process.exit(130);
    asked = true;
    leaving.abort();
    setTimeout(() => process.exit(130), withinMs).unref();
  };
  process.on("SIGTERM", () => leave(drainMs));
  process.on("SIGINT", () => leave(drainMs));
  return { token: token === "" ? undefined : token, signal: leaving.signal };
}

/** Enough for a micro-batch in hand, or the last writes of a checkpoint. */
const drainMs = 20_000;
