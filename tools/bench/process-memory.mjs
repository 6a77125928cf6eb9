/** Memory of a process and of all it started, read from /proc: Linux only, elsewhere nothing is found. */
import { readdirSync, readFileSync } from "node:fs";

/**
 * Looks at the descendants of a process until `stop`, which returns them.
 * @param rootPid the launcher; it is listed too
 * @param onSample (process, atMs) after each look at each process
 * @returns {{ stop(): { name: string, pid: number, peakBytes: number, residentBytes: number }[] }}
 */
export function watchMemory(rootPid, everyMs, onSample = () => {}) {
  const seen = new Map();
  const look = () => {
    for (const pid of descendants(rootPid)) {
      const now = memoryOf(pid);
      const name = roleOf(pid, rootPid);
      if (now === undefined || name === undefined) continue;
      const process = { name, pid, ...now };
      seen.set(pid, process);
      onSample(process, Date.now());
    }
  };
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return [...seen.values()];
    },
  };
}

/** VmHWM is the most that the process has ever held, so that a late look misses nothing. */
function memoryOf(pid) {
  const status = read(`/proc/${pid}/status`);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(status);
  return peak && resident
    ? { peakBytes: Number(peak[1]) * 1024, residentBytes: Number(resident[1]) * 1024 }
    : undefined;
}

/** By the verb on its command line; undefined for what is none of ours (a compiler's service, say). */
function roleOf(pid, rootPid) {
  if (pid === rootPid) return "launcher";
  const args = read(`/proc/${pid}/cmdline`).split("\0");
  const verb = args.find((arg) => ["coordinator", "parameter-server", "worker"].includes(arg));
  if (verb !== "worker") return verb;
  return args[args.indexOf("--worker-id") + 1] ?? verb;
}

export function descendants(pid) {
  const children = threadsOf(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`)
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
  return [pid, ...children.flatMap(descendants)];
}

function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
