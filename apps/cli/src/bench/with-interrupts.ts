import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * Measures in a folder that is gone afterwards. Ctrl-C (SIGINT) and SIGTERM abort: what was started ends at once, and a
 * second one ends this process, with which its children end.
 * @returns undefined where it was interrupted
 */
export async function withInterrupts<T>(
  measure: (signal: AbortSignal, folder: string) => Promise<T>,
): Promise<T | undefined> {
  const leaving = new AbortController();
  const onSignal = (): void => {
    if (leaving.signal.aborted) process.exit(130);
    leaving.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  const folder = await mkdtemp(path.join(os.tmpdir(), "latentweave-bench-"));
  try {
    return await measure(leaving.signal, folder);
  } catch (error) {
    if (leaving.signal.aborted) return undefined;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
    for (const signal of signals) process.off(signal, onSignal);
  }
}
