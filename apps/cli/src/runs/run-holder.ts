import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Who is writing a run: its coordinator's process. */
export interface RunHolder {
  readonly pid: number;
  readonly host: string;
  /** Where it listens; undefined until it does. */
  readonly url: string | undefined;
  readonly token: string | undefined;
}

/** As the coordinator writes it: pid, address, token, launcher, host. */
export const coordinatorFile = "coordinator.json";

/** From the run's lock; undefined when nobody writes it, or its holder was killed. */
export function runHolder(runDirectory: string): RunHolder | undefined {
  const { pid, host } = readFields(path.join(runDirectory, ".lock"));
  if (typeof pid !== "number" || typeof host !== "string") return undefined;
  if (host === os.hostname() && !isAlive(pid)) return undefined;
  const listening = readFields(path.join(runDirectory, coordinatorFile));
  const own = listening.pid === pid ? listening : {};
  return {
    pid,
    host,
    url: typeof own.url === "string" ? own.url : undefined,
    token: typeof own.token === "string" ? own.token : undefined,
  };
}

/**
 * Whether the last coordinator of a run was killed while its launcher lives, which starts another one. (One that ends by
 * itself takes its file with it.)
 */
export function awaitsCoordinator(runDirectory: string): boolean {
  // Not from the lock: there is none for a moment while the next coordinator takes it over.
  const { launcher, host } = readFields(path.join(runDirectory, coordinatorFile));
  if (typeof launcher !== "number" || host !== os.hostname()) return false;
  return runHolder(runDirectory) === undefined && isAlive(launcher);
}

function readFields(file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
