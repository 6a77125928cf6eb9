import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { writeTextAtomically } from "@latentweave/checkpoint";
import { buildRunSpec } from "@latentweave/coordinator-engine";
import { prepare } from "@latentweave/datasets";
import type { ResolvedJob } from "@latentweave/job";
import { loadUserLayers, sshCommand, Supervised } from "@latentweave/launch";
import { cacheDirectory, type PreparedManifest, UserError } from "@latentweave/protocol";
import { ownCommand } from "../command/own-command.ts";
import { packageVersion } from "../command/version.ts";
import { hopelessExitCode } from "../verbs/worker.ts";
import { readStream } from "./event-stream.ts";
import type { LaunchedProcesses, LaunchedRun, LaunchOptions, RunEnd } from "./launched-run.ts";

/** How long processes may take to leave once the run is over. */
const leaveMs = 5_000;
const mostRestarts = 10;

/**
 * Starts a run: prepares data, fixes the spec, and starts coordinator, parameter-server shards and workers as processes
 * of their own. Nothing of it outlives this process.
 * @throws UserError for anything wrong with data or model, or a process that cannot start.
 */
export async function launchRun(asked: LaunchOptions): Promise<LaunchedRun & LaunchedProcesses> {
  const options = reachable(asked);
  const { job, runId } = options;
  const directory = path.join(options.runsDirectory, runId);
  await writeSpec(options, directory);
  const logs = path.join(directory, "logs");
  await mkdir(logs, { recursive: true });

  const { command, args } = ownCommand();
  const secret = options.token;
  const lifeline = secret === undefined ? ["--with-parent"] : ["--token-stdin"];
  const processes: Supervised[] = [];
  const start = (
    name: string,
    verbArgs: readonly string[],
    more: Partial<ConstructorParameters<typeof Supervised>[0]>,
  ) => {
    const [first, ...others] = [...(options.drill?.prefix(name) ?? []), command];
    const supervised = new Supervised({
      name,
      command: first as string,
      args: [...others, ...args, ...verbArgs, ...lifeline],
      ...(secret === undefined ? {} : { secret }),
      logFile: path.join(logs, `${name}.log`),
      env: options.drill?.environment(name) ?? {},
      ...more,
      onRestart(reason) {
        options.drill?.onProcessEnd(name, reason);
        more.onRestart?.(reason);
      },
      onEnd(code, signal, lines) {
        options.drill?.onProcessEnd(name, signal ?? `exit code ${code}`);
        more.onEnd?.(code, signal, lines);
      },
    });
    processes.push(supervised);
    return supervised;
  };
  const killAll = (): void => {
    for (const supervised of processes) supervised.kill();
  };

  const workerCount = countWorkers(job, options);
  const coordinator = await startCoordinator(options, directory, workerCount, start).catch(
    (error: unknown) => {
      killAll();
      throw error;
    },
  );
  for (let index = 0; index < job.launcher.shards; index++) {
    const shardArgs = ["--coordinator", coordinator.url, "--run-id", runId, "--index", String(index)];
    const port = options.drill?.shardPorts?.[index];
    start(
      `shard-${index}`,
      [
        ...["parameter-server", ...shardArgs, "--shards", String(job.launcher.shards)],
        ...(port === undefined ? [] : ["--port", String(port)]),
      ],
      {},
    );
  }
  const gaveUp = new Set<number>();
  const addWorker = (index: number): void =>
    startWorker(options, coordinator.url, index, start, (code, lines) => {
      gaveUp.add(index);
      // Somebody may still join from elsewhere, but a person who started these waits in vain.
      if (gaveUp.size === workerCount && code !== 0)
        void tell({ reason: `every worker gave up: ${lines.at(-1) ?? `exit code ${code}`}`, failed: true });
    });
  for (let index = 0; index < workerCount; index++) addWorker(index);

  const tell = (body: Readonly<Record<string, unknown>>): Promise<unknown> =>
    fetch(new URL("/api/v1/stop", coordinator.url), {
      method: "POST",
      body: JSON.stringify(body),
      headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
    }).catch(() => undefined);
  const ended = coordinator.ended.then(async (end) => {
    for (const supervised of processes) supervised.letEnd();
    const all = Promise.all(processes.map((supervised) => supervised.ended));
    const timer = setTimeout(killAll, leaveMs);
    await all;
    clearTimeout(timer);
    return end;
  });
  return {
    runId,
    directory,
    url: coordinator.url,
    snapshotStream: readStream(coordinator.url, secret),
    async stop(reason) {
      for (const supervised of processes) if (supervised.name.startsWith("worker-")) supervised.letEnd();
      await tell({ reason });
    },
    stopNow: killAll,
    ended,
    process: (name) => processes.findLast((supervised) => supervised.name === name),
    alive: () => processes.filter(({ pid }) => pid !== undefined),
    startWorker: (name) => addWorker(Number(name.replace(/^worker-/, ""))),
  };
}

/** Workers of other hosts come over the network: then the port is open to it, and guarded by a token. */
function reachable(options: LaunchOptions): LaunchOptions {
  if (options.job.launcher.kind !== "ssh") return options;
  const host = options.host === "127.0.0.1" ? "0.0.0.0" : options.host;
  return { ...options, host, token: options.token ?? randomBytes(24).toString("base64url") };
}

type Start = (
  name: string,
  verbArgs: readonly string[],
  more: Partial<ConstructorParameters<typeof Supervised>[0]>,
) => Supervised;

async function startCoordinator(
  options: LaunchOptions,
  directory: string,
  workers: number,
  start: Start,
): Promise<{ readonly url: string; readonly ended: Promise<RunEnd> }> {
  const { job } = options;
  let listening: (url: string) => void = () => undefined;
  let refused: (error: Error) => void = () => undefined;
  let end: (outcome: RunEnd) => void = () => undefined;
  const url = new Promise<string>((resolve, reject) => {
    listening = resolve;
    refused = reject;
  });
  const ended = new Promise<RunEnd>((resolve) => {
    end = resolve;
  });
  start(
    "coordinator",
    [
      ...["coordinator", "--run", directory, "--host", options.host, "--port", String(options.port)],
      ...["--shards", String(job.launcher.shards), "--workers", String(workers)],
      ...(options.resume ? ["--resume"] : []),
      ...(options.dashboard ? [] : ["--no-dashboard"]),
    ],
    {
      onLine(line) {
        const said = parseLine(line);
        if (typeof said?.listening === "string") listening(said.listening);
        if (said?.outcome) end(said.outcome);
      },
      onEnd(code, signal, lines) {
        const how = signal === null ? `exit code ${code}` : signal;
        refused(
          new UserError({
            what:
              lines.filter((line) => !line.startsWith("{")).join("\n") || `the coordinator ended (${how})`,
          }),
        );
        end({
          state: "failed",
          version: 0,
          hash: null,
          reason: `the coordinator ended (${how}); \`--resume\` goes on from the last checkpoint`,
        });
      },
    },
  );
  return { url: await url, ended };
}

function startWorker(
  options: LaunchOptions,
  url: string,
  index: number,
  start: Start,
  onGaveUp: (code: number | null, lastLines: readonly string[]) => void,
): void {
  const { job, log } = options;
  const name = `worker-${index}`;
  const device = options.devices[index % Math.max(1, options.devices.length)];
  const more = {
    restart: { hopeless: [hopelessExitCode], mostRestarts },
    onRestart: (reason: string) => log(`${name}: ${reason}; starting it again`),
    onEnd: (code: number | null, _: string | null, lines: readonly string[]) => onGaveUp(code, lines),
  };
  const deviceArgs = device === undefined ? [] : ["--device", device];
  if (job.launcher.kind === "ssh") {
    const host = job.launcher.hosts[index % job.launcher.hosts.length] as string;
    const { LATENTWEAVE_REMOTE_COMMAND: remote, LATENTWEAVE_SSH_COMMAND: ssh } = process.env;
    const { command, args } = sshCommand({
      host,
      port: Number(new URL(url).port),
      workerId: `${host}-${index}`,
      version: packageVersion(),
      workerArgs: deviceArgs,
      ...(remote === undefined ? {} : { remoteCommand: remote }),
      ...(ssh === undefined ? {} : { ssh }),
    });
    start(name, [], { ...more, command, args });
    return;
  }
  start(name, ["worker", "--coordinator", url, "--worker-id", name, ...deviceArgs], more);
}

/** One worker per core (or device, or host) unless the job says otherwise, and no more than there are slots. */
function countWorkers(job: ResolvedJob, options: LaunchOptions): number {
  const { launcher } = job;
  if (launcher.workers !== null) return launcher.workers;
  const places =
    launcher.kind === "ssh"
      ? launcher.hosts.length
      : options.devices.length > 0
        ? options.devices.length
        : Math.max(1, Math.floor(os.availableParallelism() / job.compute.threads));
  const slots = Math.max(...Object.values(job.tasks).map((task) => task.slots));
  return Math.min(places, slots);
}

async function writeSpec(options: LaunchOptions, directory: string): Promise<void> {
  const { job, log } = options;
  const manifests: Record<string, PreparedManifest> = {};
  for (const [taskName, task] of Object.entries(job.tasks))
    manifests[taskName] = await prepare(task.data, {
      taskName,
      baseDirectory: options.jobDirectory,
      cacheDirectory: cacheDirectory(),
      log,
    });
  const userModule =
    options.userModule === undefined
      ? null
      : { text: options.userModule, layers: await loadUserLayers(options.userModule) };
  const spec = JSON.stringify(buildRunSpec({ job, manifests, userModule }));
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
  await writeTextAtomically(path.join(directory, "job.json"), `${JSON.stringify(job, undefined, 2)}\n`);
  await writeTextAtomically(file, spec);
}

function parseLine(line: string): { listening?: string; outcome?: RunEnd } | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as { listening?: string; outcome?: RunEnd };
  } catch {
    return undefined;
  }
}
