import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { writeTextAtomically } from "@latentweave/checkpoint";
import type { RunSpec } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";
import { coordinatorFile } from "../runs/run-holder.ts";
import { launchCoordinator } from "./launch-coordinator.ts";
import { type LaunchedShard, launchShard } from "./launch-shard.ts";
import { besideWorkers, countShards, countWorkers, launchWorker } from "./launch-worker.ts";
import type { LaunchedProcess, LaunchedProcesses, LaunchedRun, LaunchOptions } from "./launched-run.ts";
import { createMemoryNotices } from "./memory-notices.ts";
import { createProcessStarter } from "./process-starter.ts";
import { removeVaults } from "./remove-vaults.ts";
import { createRunStream } from "./run-stream.ts";
import { settlePlacement } from "./settle-placement.ts";
import { specText } from "./spec-text.ts";

/** How long processes may take to leave once the run is over. */
const leaveMs = 5_000;

/**
 * Starts a run: prepares data, fixes the spec, and starts coordinator, parameter-server shards and workers as processes
 * of their own. Each that ends before the run does is started again as what it was. Nothing of it outlives this process.
 * @throws UserError for anything wrong with data or model, or a process that cannot start.
 */
export async function launchRun(asked: LaunchOptions): Promise<LaunchedRun & LaunchedProcesses> {
  const directory = path.join(asked.runsDirectory, asked.runId);
  const spec = await writeSpec(asked, directory);
  const options = settlePlacement(reachable(asked), spec);
  const { job, runId, token } = options;
  const logs = path.join(directory, "logs");
  await mkdir(logs, { recursive: true });

  const notices = createMemoryNotices((text) => stream.say("warning", text));
  const { start, all } = createProcessStarter(logs, token, options, notices);
  let killed = false;
  const killAll = (): void => {
    killed = true;
    for (const { supervised } of all) supervised.kill();
  };
  const stream = createRunStream(() => {
    for (const process of [coordinator, ...shards]) process.foundSound();
  });
  const onRestart = (name: string, reason: string): void =>
    stream.say("warning", `${name}: ${reason}; starting it again`);

  const workers = countWorkers(job, options);
  const shardCount = countShards(job, workers);
  const apart = new Set<number>();
  const beside = besideWorkers(options, shardCount, directory, (index) => apart.has(index));
  const coordinator = await launchCoordinator({ options, directory, workers, shards: shardCount }, start, {
    restart: (reason) => onRestart("coordinator", reason),
    gaveUp({ state, reason }) {
      if (killed) return;
      stream.say(state === "failed" ? "error" : "info", reason ?? state);
      // Nobody is left to tell them that the run is over; a worker that is asked to leave leaves the shard beside it.
      for (const { supervised } of all)
        if (beside) supervised.kill();
        else supervised.interrupt();
    },
  }).catch((error: unknown) => {
    killAll();
    throw error;
  });
  const { url } = coordinator;
  let over = false;
  const fail = (reason: string): void => {
    if (!over) void coordinator.fail(reason);
  };
  const shards: LaunchedShard[] = [];
  const addShard = (index: number): void => {
    apart.add(index);
    shards.push(
      launchShard({ options, directory, url, index, shards: shardCount }, start, {
        restart: (reason) => onRestart(`shard-${index}`, reason),
        gaveUp: fail,
      }),
    );
  };
  for (let index = beside ? workers : 0; index < shardCount; index++) addShard(index);
  const gaveUp = new Set<number>();
  const addWorker = (index: number): void =>
    launchWorker({ options, url, index, beside }, start, {
      restart: onRestart,
      gaveUp(code, lines) {
        gaveUp.add(index);
        // Its shard goes on without it: what it holds outlives the process. One that ended in order knows the run to be over.
        if (beside?.has(index) === true && code !== 0 && !over && !killed) addShard(index);
        // Somebody may still join from elsewhere, but a person who started these waits in vain.
        if (gaveUp.size === workers && code !== 0)
          fail(`every worker gave up: ${lines.at(-1) ?? `exit code ${code}`}`);
      },
    });
  for (let index = 0; index < workers; index++) addWorker(index);
  const launched = (): LaunchedProcess[] =>
    all.map(({ supervised, beside: shard }) => ({
      ...{ name: supervised.name, beside: shard, pid: supervised.pid, ended: supervised.ended },
      interrupt: () => supervised.interrupt(),
      kill: () => supervised.kill(),
    }));

  const ended = coordinator.ended.then(async (end) => {
    over = true;
    for (const { supervised } of all) supervised.letEnd();
    const timer = setTimeout(killAll, leaveMs);
    await Promise.all(all.map(({ supervised }) => supervised.ended));
    clearTimeout(timer);
    await removeVaults(runId, directory);
    // One that was killed has left it behind, and with it the hope for another one.
    await rm(path.join(directory, coordinatorFile), { force: true }).catch((error: unknown) => {
      // The disk that a run failed over refuses this as well; how the run ended is the news.
      options.log(
        `${coordinatorFile} stays where it is: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    return end;
  });
  return {
    runId,
    directory,
    url,
    snapshotStream: stream.follow(url, token, coordinator.ended),
    async stop(reason) {
      for (const { supervised } of all) if (supervised.name.startsWith("worker-")) supervised.letEnd();
      await coordinator.stop(reason);
    },
    stopNow: killAll,
    ended,
    process: (name) => launched().findLast((entry) => entry.name === name || entry.beside === name),
    alive: () => launched().filter(({ pid }) => pid !== undefined),
    startWorker: (name) => addWorker(Number(name.replace(/^worker-/, ""))),
  };
}

/** Workers of other hosts come over the network: then the port is open to it, and guarded by a token. */
function reachable(options: LaunchOptions): LaunchOptions {
  if (options.job.launcher.kind !== "ssh") return options;
  const host = options.host === "127.0.0.1" ? "0.0.0.0" : options.host;
  return { ...options, host, token: options.token ?? randomBytes(24).toString("base64url") };
}

async function writeSpec(options: LaunchOptions, directory: string): Promise<RunSpec> {
  const spec = await specText(options);
  const file = path.join(directory, "spec.json");
  const before = await readFile(file, "utf8").catch(() => undefined);
  if (before !== undefined && !options.resume)
    throw new UserError({
      what: `there is a run "${options.runId}" already`,
      where: directory,
      mend: "choose another --run-id, or go on with it: --resume",
    });
  if (before !== undefined && before !== spec)
    throw new UserError({
      what: "the job's data or model are no longer those of this run",
      where: directory,
      expected: "the same prepared data, layers and settings as when the run began",
      mend: "start a new run, or bring back what changed",
    });
  await mkdir(directory, { recursive: true });
  await writeTextAtomically(
    path.join(directory, "job.json"),
    `${JSON.stringify(options.job, undefined, 2)}\n`,
  );
  await writeTextAtomically(file, spec);
  return JSON.parse(spec) as RunSpec;
}
