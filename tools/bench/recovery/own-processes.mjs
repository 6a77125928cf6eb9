/** The processes of a run, found by what stands on their command lines: Linux only. */
import { readFileSync } from "node:fs";
import { descendants } from "../process-memory.mjs";

/**
 * @param launcherPid of `latentweave train`
 * @returns {Map<string, number>} pids by name: coordinator, shard-0, worker-0, ...
 */
export function processesOf(launcherPid) {
  const found = new Map();
  for (const pid of descendants(launcherPid)) {
    const name = pid === launcherPid ? undefined : nameOf(pid);
    if (name !== undefined) found.set(name, pid);
  }
  return found;
}

function nameOf(pid) {
  const args = argumentsOf(pid);
  const after = (flag) => args[args.indexOf(flag) + 1];
  if (args.includes("coordinator")) return "coordinator";
  if (args.includes("parameter-server")) return `shard-${after("--index")}`;
  return args.includes("worker") ? after("--worker-id") : undefined;
}

function argumentsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it has ended meanwhile
  }
}

export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
