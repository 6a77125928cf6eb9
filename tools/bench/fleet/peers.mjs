/** Processes with so many peers each (steady-workers.mjs), and when a step was over for the last of all. */
import { fork } from "node:child_process";

const limitMs = 400_000;

/** @param argument what steady-workers.mjs is told, but for `name` and `workers` */
export function startPeers({ file, workers, processes, argument }) {
  const children = Array.from({ length: processes }, (_, i) => {
    const own = Math.floor((workers * (i + 1)) / processes) - Math.floor((workers * i) / processes);
    return fork(file, [JSON.stringify({ ...argument, name: `p${i}`, workers: own })]);
  });
  return {
    /** @returns {Promise<number[]>} when each of the first `count` steps was over for all, in ms */
    steps: (count) => endsOf(children, count),
    kill() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}

function endsOf(children, count) {
  return new Promise((resolve, reject) => {
    const seen = new Map();
    const whole = new Map();
    const timer = setTimeout(() => reject(new Error(`${whole.size} steps in ${limitMs} ms`)), limitMs);
    for (const child of children) {
      child.once("exit", (code, signal) => reject(new Error(`peers ended with ${code ?? signal}`)));
      child.on("message", (message) => {
        if (message.kind === "failed") return reject(new Error(message.message));
        const { step, lastMs } = message;
        const times = [...(seen.get(step) ?? []), lastMs];
        seen.set(step, times);
        if (times.length < children.length) return;
        whole.set(step, Math.max(...times));
        if (whole.size < count) return;
        clearTimeout(timer);
        resolve([...whole].sort(([a], [b]) => a - b).map(([, ms]) => ms));
      });
    }
  });
}
