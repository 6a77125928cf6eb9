/** The same loss of a worker under torchrun elastic, on the same machine in the same run. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { batch } from "../measure-latentweave.mjs";
import { findImages } from "../measure-pytorch.mjs";
import { isRunning } from "./own-processes.mjs";

const script = fileURLToPath(new URL("./torchrun_elastic.py", import.meta.url));
const lookMs = 2;
const patienceMs = 300_000;
const stepsInPeace = 25;

/**
 * Kills a rank again and again.
 * @returns {Promise<{ ms: number, firstMs: number, recomputed: number }[]>} `firstMs`: to the first step of any kind; `ms`: to
 *   the first that had not been made before
 */
export async function measureTorchrun({ python, workers, rounds, everySteps, onRound }) {
  const images = await findImages();
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const record = path.join(folder, "record");
  const child = spawn(
    path.join(path.dirname(python), "torchrun"),
    [
      ...["--standalone", "--nproc-per-node", String(workers), "--max-restarts", String(rounds + 1), script],
      ...["--images", images, "--record", record, "--batch", String(batch), "--every", String(everySteps)],
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      // A group of its own: the ranks are to end with it.
      detached: true,
      env: {
        ...process.env,
        OMP_NUM_THREADS: "1",
        MKL_NUM_THREADS: "1",
        // PyTorch 2.15 keeps one store over all restarts: the ranks started again find the addresses of the dead there, and wait
        // for them without end. With a store for each start they find each other.
        TORCH_DISABLE_SHARE_RDZV_TCP_STORE: "1",
        GLOO_SOCKET_IFNAME: process.platform === "darwin" ? "lo0" : "lo",
      },
    },
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors = (errors + text).slice(-20_000)));
  const steps = () =>
    existsSync(record) ? readFileSync(record, "utf8").trimEnd().split("\n").map(parse) : [];
  const until = async (what, look) => {
    const startMs = performance.now();
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (child.exitCode !== null) throw new Error(`torchrun ended before ${what}:\n${errors.slice(-3000)}`);
      if (performance.now() - startMs > patienceMs) throw new Error(`torchrun: nothing for long: ${what}`);
      await wait(lookMs);
    }
  };
  const measured = [];
  /** Restarts before this line of the record are measured already. */
  let known = 1;
  const nextRestart = () => {
    const all = steps();
    const place = all.findIndex(({ step }, at) => at >= known && step <= all[at - 1].step);
    return place < 0 ? undefined : { place, step: all[place], before: all[place - 1] };
  };
  try {
    for (let round = 0; round < rounds; round++) {
      const rank = round % workers;
      const from = steps().length;
      await until("steps", () => steps().length > from + stepsInPeace);
      const pid = Number(readFileSync(`${record}.rank-${rank}`, "ascii"));
      const atMs = Date.now();
      process.kill(pid, "SIGKILL");
      await until("the end of the rank", () => !isRunning(pid));
      const first = await until("a step", () => nextRestart());
      const reached = first.before.step;
      const next = await until("a new step", () =>
        steps()
          .slice(first.place)
          .find(({ step }) => step > reached),
      );
      measured.push({
        ms: next.atMs - atMs,
        firstMs: first.step.atMs - atMs,
        recomputed: reached - first.step.step + 1,
      });
      onRound(measured.at(-1));
      known = first.place + 1;
    }
  } finally {
    endGroup(child.pid);
    rmSync(folder, { recursive: true, force: true });
  }
  return measured;
}

function parse(line) {
  const [step, atMs] = line.split(" ").map(Number);
  return { step, atMs };
}

function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
