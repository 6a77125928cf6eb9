import { setTimeout as wait } from "node:timers/promises";
import {
  describeAction,
  type Fault,
  type FaultFolder,
  type FaultPlan,
  faultsEnvironment,
  followJournal,
  roleOf,
  steadyWallMs,
  strikesItself,
  writeJournal,
} from "@latentweave/faults";
import { UserError } from "@latentweave/protocol";
import type { LaunchOptions, RunEnd } from "../train/launched-run.ts";
import { launchRun } from "../train/launch-run.ts";
import { startNewRun } from "../train/start-run.ts";
import { damage } from "./damage.ts";
import type { DrillDisk } from "./disk.ts";
import { loseMemory } from "./lose-memory.ts";
import type { DrillNetwork } from "./network-for.ts";
import { createStriker, type DisturbedRun, type Striker } from "./strike.ts";
import { watchRun } from "./watch-run.ts";

/** Often enough that what a process did to itself is seen within the time that a signal takes anyway. */
const journalMs = 20;
/** A run that commits nothing for so long is stuck: ended at once, and taken up again. */
const stuckMs = 60_000;
const betweenStartsMs = 500;
/** Beyond one for every fault. */
const moreStarts = 5;

export interface DisturbOptions {
  readonly launch: LaunchOptions;
  /** Absolute. */
  readonly directory: string;
  readonly jobFile: string;
  readonly plan: FaultPlan;
  readonly folder: FaultFolder;
  readonly network: DrillNetwork | undefined;
  readonly disk: DrillDisk | undefined;
  readonly say: (text: string) => void;
  /** Told of every start, so that Ctrl-C reaches the run. @returns whether to go on */
  readonly onStart: (run: DisturbedRun) => boolean;
}

/** Runs a job under a plan of faults, to its end; where a fault ends the run itself, takes it up again as a person would. */
export async function disturb(options: DisturbOptions): Promise<RunEnd> {
  const { plan, folder, say } = options;
  const striker = createStriker(options);
  const noted = new Set<number>();
  const mostStarts = plan.faults.length + moreStarts;
  for (let start = 0; ; start++) {
    const end = await once(options, striker, noted, start > 0);
    await striker.endAll();
    if (end === undefined) return { state: "interrupted", version: 0, hash: null, reason: null };
    if (end.state === "finished" || start >= mostStarts) return end;
    for (const { number, fault } of striker.takeDamage()) {
      // Shards that still held their weights would have no need of the file.
      await loseMemory(options.launch.runId);
      const done = await damage(options.directory, fault, number);
      say(`fault ${number}: ${done ?? "there was nothing to damage"}`);
    }
    const reason = end.reason ?? end.state;
    writeJournal(folder.journal, { kind: "taken-up", atMs: steadyWallMs(), reason });
    say(`the run had ended (${reason.split("\n")[0]}); it is taken up with --resume`);
    await wait(betweenStartsMs);
  }
}

/** @returns undefined where the person wants no more of it */
async function once(
  options: DisturbOptions,
  striker: Striker,
  noted: Set<number>,
  resume: boolean,
): Promise<RunEnd | undefined> {
  const { plan, folder, say } = options;
  const launch: LaunchOptions = { ...options.launch, resume, ...drillOptions(options) };
  let run: DisturbedRun;
  try {
    run = resume ? await launchRun(launch) : await startNewRun(launch, options.jobFile);
  } catch (error) {
    if (!resume || !(error instanceof UserError)) throw error;
    return { state: "failed", version: 0, hash: null, reason: error.message };
  }
  if (!options.onStart(run)) {
    await run.ended;
    return undefined;
  }
  const faults = plan.faults.map((fault, index) => ({ number: index + 1, fault }));
  // The launcher knows the job's own workers; those that joined were here as well.
  for (const { number, fault } of faults)
    if (fault.do === "join" && folder.claimant(number) !== undefined) run.startWorker(fault.to);
  const due = faults.filter(
    ({ number, fault }) => !strikesItself(fault) && folder.claimant(number) === undefined,
  );
  const timers = new Set<NodeJS.Timeout>();
  let isOver = false;
  void run.ended.then(() => {
    isOver = true;
  });
  const watch = watchRun({
    url: run.url,
    token: launch.token,
    folder,
    noted,
    onVersion(version) {
      for (const entry of due.filter(({ fault }) => fault.at.step <= version)) {
        due.splice(due.indexOf(entry), 1);
        timers.add(
          setTimeout(() => {
            striker
              .strike(entry.number, entry.fault, { run, step: watch.version, isOver: () => isOver })
              .catch((error: unknown) =>
                say(`fault ${entry.number} (${describeAction(entry.fault)}): ${String(error)}`),
              );
          }, entry.fault.at.afterMs ?? 0),
        );
      }
    },
  });
  const readNew = followJournal(folder.journal);
  // What stands there from an earlier start was followed up then.
  readNew();
  const looking = setInterval(() => {
    for (const line of readNew()) {
      if (line.kind !== "struck" || line.moment === null) continue;
      striker.followUp(line, plan.faults[line.fault - 1] as Fault, run);
    }
    if (performance.now() - watch.progressAtMs < stuckMs) return;
    say(`nothing was committed for ${stuckMs / 1000} s: the run is ended`);
    clearInterval(looking);
    run.stopNow();
  }, journalMs);
  const end = await run.ended;
  watch.stop();
  clearInterval(looking);
  for (const timer of timers) clearTimeout(timer);
  return end;
}

function drillOptions(options: DisturbOptions): Partial<LaunchOptions> {
  const { plan, folder, network, disk } = options;
  return {
    ...(network ? { port: network.coordinatorPort } : {}),
    ...(network?.token === undefined ? {} : { token: network.token }),
    drill: {
      ...(network ? { shardPorts: network.shardPorts } : {}),
      prefix: (process) => network?.prefixOf(process) ?? [],
      environment: (parts) =>
        faultsEnvironment(
          ...parts.map((process) => ({
            process,
            folder: folder.directory,
            faults: plan.faults.flatMap((fault, index) =>
              strikesItself(fault) && concerns(fault, process, plan) ? [{ number: index + 1, fault }] : [],
            ),
            disk: disk?.isPretended === true && process === "coordinator" ? options.directory : null,
            routes: network?.routesOf(process) ?? {},
          })),
        ),
      onProcessEnd(process, how) {
        writeJournal(folder.journal, { kind: "ended", process, atMs: steadyWallMs(), how });
      },
    },
  };
}

function concerns(fault: Fault, process: string, plan: FaultPlan): boolean {
  if (fault.to === process || fault.to === "everything") return true;
  if (fault.to === "any-worker") return roleOf(process) === "worker";
  return plan.hosts[fault.to]?.includes(process) ?? false;
}
