import os from "node:os";
import { setTimeout as wait } from "node:timers/promises";

/** What the figures are of; nothing in it names a place or a person. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown processor",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.arch()}`,
    node: process.version,
  };
}

const lookMs = 1_000;

/**
 * How much of this machine other programs use: the load average would still tell of what ran a minute ago.
 * @returns cores, from 0 to all of them
 */
export async function coresInUse(signal: AbortSignal): Promise<number> {
  const before = spentMs();
  await wait(lookMs, undefined, { signal });
  const after = spentMs();
  const allMs = after.all - before.all;
  return allMs > 0 ? (os.availableParallelism() * (after.busy - before.busy)) / allMs : 0;
}

/** Above this share of the cores, something else is running, and figures mean little. */
const quietShare = 0.15;

export function isBusy(inUse: number): boolean {
  return inUse > quietShare * os.availableParallelism();
}

/** Milliseconds of all cores together since the machine started. */
function spentMs(): { readonly busy: number; readonly all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of os.cpus()) {
    const spent = times.user + times.nice + times.sys + times.irq;
    busy += spent;
    all += spent + times.idle;
  }
  return { busy, all };
}
