import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parameterHash } from "@latentweave/checkpoint";
import { type FaultFolder, faultFolder, type FaultPlan, steadyWallMs } from "@latentweave/faults";
import { claimFolder } from "../train/claim-folder.ts";
import type { LaunchedRun, LaunchOptions, RunEnd } from "../train/launched-run.ts";
import { startNewRun } from "../train/start-run.ts";
import type { Certificate, RunSummary } from "./certificate/certificate.ts";
import { makeCertificate } from "./certificate/make-certificate.ts";
import { writeCertificate } from "./certificate/write-certificate.ts";
import { type DrillDisk, openDisk } from "./disk.ts";
import { disturb } from "./disturb.ts";
import { networkFor } from "./network-for.ts";
import type { NamedPlan } from "./settle-plan.ts";

/** What both runs of a drill have in common. */
export interface DrillContext {
  readonly jobFile: string;
  readonly workers: number;
  readonly shards: number;
  /** Shards are beside the first workers, each in the process of the worker of its number. */
  readonly beside: boolean;
  /** Folder for the certificate; undefined: beside the run. */
  readonly out: string | undefined;
  readonly say: (text: string) => void;
  /** Told of every start, so that Ctrl-C reaches the run. @returns whether to go on */
  readonly onStart: (run: LaunchedRun) => boolean;
}

/** The job as if nothing could happen to it. */
export async function runUndisturbed(launch: LaunchOptions, context: DrillContext): Promise<RunSummary> {
  const startMs = performance.now();
  const run = await startNewRun(launch, context.jobFile);
  context.onStart(run);
  const end = await run.ended;
  return summary(run.runId, run.directory, end, performance.now() - startMs);
}

export interface Drill {
  readonly certificate: Certificate;
  /** The certificate as a page. */
  readonly page: string;
}

/** The job under a plan, and what came of it. What was noted lies beside the run, in `RUN.chaos`. */
export async function runDrill(
  launch: LaunchOptions,
  { name, plan }: NamedPlan,
  undisturbed: RunSummary,
  context: DrillContext,
): Promise<Drill> {
  const directory = path.join(launch.runsDirectory, launch.runId);
  const folder = await openFolder(`${directory}.chaos`, plan);
  const network = await networkFor(plan, context);
  const disk = await diskFor(plan, directory, folder);
  const means = [...(network?.means ?? []), ...(disk ? [disk.means] : [])];
  const startMs = steadyWallMs();
  let end: RunEnd;
  try {
    end = await disturb({ ...context, launch, directory, plan, folder, network, disk });
  } finally {
    await network?.close();
    await disk?.remove();
  }
  const elapsedMs = steadyWallMs() - startMs;
  const certificate = await makeCertificate({
    ...{ job: context.jobFile, planName: name, plan, folder, undisturbed, startMs, means },
    ...{ steps: launch.job.steps ?? undisturbed.version, workers: context.workers, shards: context.shards },
    disturbed: await summary(launch.runId, directory, end, elapsedMs),
  });
  return { certificate, page: await writeCertificate(certificate, context.out ?? folder.directory) };
}

async function openFolder(directory: string, plan: FaultPlan): Promise<FaultFolder> {
  await claimFolder(directory);
  const folder = faultFolder(directory);
  folder.make();
  await writeFile(path.join(directory, "plan.json"), `${JSON.stringify(plan, undefined, 2)}\n`);
  return folder;
}

async function diskFor(
  plan: FaultPlan,
  directory: string,
  folder: FaultFolder,
): Promise<DrillDisk | undefined> {
  const isWanted = plan.faults.some((fault) => fault.do === "disk-full" || fault.do === "disk-read-only");
  return isWanted ? openDisk(directory, folder) : undefined;
}

async function summary(
  runId: string,
  directory: string,
  end: RunEnd,
  elapsedMs: number,
): Promise<RunSummary> {
  const hash = end.state === "finished" ? await parameterHash(directory) : null;
  return { runId, directory, state: end.state, reason: end.reason, hash, elapsedMs, version: end.version };
}
