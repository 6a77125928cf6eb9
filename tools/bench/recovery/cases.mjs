/**
 * Shows 3: what is done to a run, and what is read from it. Each gives one measurement; the run goes on afterwards.
 * `where`: flags that say where the shards are.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { medianStepMs, recoveryAfter, stepsUndone } from "./pauses.mjs";

const memoryFiles = "/dev/shm";
const stoppedMs = 4_000;
const askMs = 10;

/** At another place of a step each time. */
async function killAt(run, name, round, rounds) {
  const seen = run.commits.length;
  await run.until("a commit", () => run.commits.length > seen);
  await wait(((round + 0.5) / rounds) * medianStepMs(run.commits));
  const atMs = Date.now();
  process.kill(run.pidOf(name), "SIGKILL");
  return atMs;
}

async function toNextStep(run, name, round, rounds) {
  const before = run.commits.length;
  const atMs = await killAt(run, name, round, rounds);
  const { ms } = await run.until("the next step", () => recoveryAfter(run.commits, atMs));
  return { ms, undone: stepsUndone(run.commits.slice(before - 1)) };
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
/** Nothing undone, either. */
const isWithin =
  (limitMs) =>
  ({ ms, undone }) =>
    ms.median < limitMs && undone === 0;
const pauseText = ({ ms, undone }) =>
  `${seconds(ms.median)} [${seconds(ms.best)}–${seconds(ms.worst)}], ${undone} undone`;

export const cases = [
  {
    name: "worker",
    title: "a worker is killed: to the next committed step",
    bar: "under 1 s, no committed step undone",
    measure: ({ run, round, rounds }) => toNextStep(run, `worker-${round % 2}`, round, rounds),
    met: isWithin(1_000),
    figure: pauseText,
  },
  {
    name: "shard",
    title: "a shard is killed, the leader and the other in turn: to the next committed step",
    bar: "under 3 s, no committed step undone",
    measure: ({ run, round, rounds }) => toNextStep(run, `shard-${round % 2}`, round, rounds),
    met: isWithin(3_000),
    figure: pauseText,
  },
  {
    name: "beside",
    title: "a worker is killed with the shard in its process: to the next committed step",
    bar: "under 3 s, no committed step undone",
    where: ["--placement", "beside"],
    measure: ({ run, round, rounds }) => toNextStep(run, `worker-${round % 2}`, round, rounds),
    met: isWithin(3_000),
    figure: pauseText,
  },
  {
    name: "coordinator",
    title: "the coordinator is killed: to the answer of its successor; steps made meanwhile",
    bar: "within 5 s; steps go on",
    async measure({ run, directory, round, rounds }) {
      const { url } = JSON.parse(readFileSync(path.join(directory, "coordinator.json"), "utf8"));
      const before = run.commits.length;
      const atMs = await killAt(run, "coordinator", round, rounds);
      const ms = (await answer(url)) - atMs;
      // Steps that the leader kept for the next coordinator are recorded at once, one after the other.
      const stepMs = medianStepMs(run.commits.slice(0, before));
      await run.until("records by the successor", () => recordedSince(run.commits, atMs).length > 0);
      await wait(stepMs * 3);
      const later = recordedSince(run.commits, atMs);
      const meanwhile = later.findIndex(
        ({ atMs: at }, place) => place > 0 && at - later[place - 1].atMs > stepMs / 2,
      );
      return {
        ms,
        undone: stepsUndone(run.commits.slice(before - 1)),
        meanwhile: meanwhile < 0 ? later.length : meanwhile,
      };
    },
    met: ({ ms, undone, meanwhile }) => ms.median < 5_000 && undone === 0 && meanwhile.median > 1,
    figure: ({ ms, undone, meanwhile }) =>
      `${seconds(ms.median)} [${seconds(ms.best)}–${seconds(ms.worst)}], ${meanwhile.median} steps made meanwhile, ${undone} undone`,
  },
  {
    name: "host",
    title: "a host is lost with its shard (kill -9, and its memory is gone): to the step that it had reached",
    bar: "back to the last recovery point; steps computed again and seconds stated",
    async measure({ run, runId, round, rounds }) {
      const shard = round % 2;
      const before = run.commits.length;
      for (const name of readdirSync(memoryFiles))
        if (name.includes(runId) && name.endsWith(`shard-${shard}`)) rmSync(path.join(memoryFiles, name));
      const atMs = await killAt(run, `shard-${shard}`, round, rounds);
      await run.until("going back", () => stepsUndone(run.commits.slice(before - 1)) > 0);
      const at = run.commits.findIndex(
        ({ step }, place) => place > 0 && step <= run.commits[place - 1].step && place >= before,
      );
      const [reached, first] = [run.commits[at - 1].step, run.commits[at]];
      const again = await run.until("the step it had reached", () =>
        run.commits.slice(at).find(({ step }) => step > reached),
      );
      return { ms: again.atMs - atMs, firstMs: first.atMs - atMs, recomputed: reached - first.step + 1 };
    },
    met: ({ ms, recomputed }) => ms.count > 0 && recomputed.worst <= recomputed.everySteps,
    figure: ({ ms, firstMs, recomputed }) =>
      `first step again after ${seconds(firstMs.median)}, all ${recomputed.median} steps again after ${seconds(ms.median)} [${seconds(ms.best)}–${seconds(ms.worst)}]`,
  },
  {
    name: "stopped",
    title: "a worker is stopped (SIGSTOP): the longest step, less a median one",
    bar: "at most twice the median step and 500 ms",
    async measure({ run, round }) {
      const name = `worker-${round % 2}`;
      const stepMs = medianStepMs(run.commits);
      const pid = run.pidOf(name);
      const before = run.commits.length;
      process.kill(pid, "SIGSTOP");
      await wait(stoppedMs);
      process.kill(pid, "SIGCONT");
      await run.until("steps after it", () => run.commits.length > before + 5);
      const during = run.commits.slice(before - 1);
      const longest = Math.max(...during.slice(1).map(({ atMs }, place) => atMs - during[place].atMs));
      return { ms: longest - stepMs, allowedMs: 2 * stepMs + 500, undone: stepsUndone(during) };
    },
    met: ({ ms, allowedMs, undone }) => ms.median <= allowedMs.median && undone === 0,
    figure: ({ ms, allowedMs }) =>
      `${ms.median.toFixed(0)} ms [${ms.best.toFixed(0)}–${ms.worst.toFixed(0)}], allowed ${allowedMs.median.toFixed(0)} ms`,
  },
];

const recordedSince = (commits, atMs) => commits.filter((commit) => commit.atMs > atMs);

/** @returns {Promise<number>} when something answers there */
async function answer(url) {
  for (;;) {
    const response = await fetch(new URL("/api/v1/run", url), {
      signal: AbortSignal.timeout(2_000),
    }).catch(() => undefined);
    if (response?.ok) return Date.now();
    await wait(askMs);
  }
}
