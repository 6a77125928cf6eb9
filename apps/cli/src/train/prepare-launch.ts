import { existsSync } from "node:fs";
import path from "node:path";
import net from "node:net";
import { compareJobs, findRun, listRuns, readTable } from "@latentweave/checkpoint";
import type { ResolvedJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { describeRun } from "../runs/describe-run.ts";
import { chooseDevices } from "./choose-devices.ts";
import { resolveWithFlags } from "./fold-flags.ts";
import type { LaunchOptions } from "./launched-run.ts";
import { readOrigin } from "./origin.ts";
import { checkRunId, freeRunId } from "./run-id.ts";
import type { JobSource, TrainFlags } from "./train-flags.ts";

/** Enough for medians and for rare slow steps; a few megabytes with a handful of workers. */
const defaultProfileSteps = 1_000;

/**
 * Checks everything that can be checked before a process is started, and folds flags into the job.
 * @param source the job; without one, `--resume` continues a run by its own job.json
 * @throws UserError for a wrong job, a run that is there already, a changed job on `--resume`
 */
export async function prepareLaunch(
  source: JobSource | undefined,
  flags: TrainFlags,
  log: (line: string) => void,
): Promise<LaunchOptions> {
  const runsDirectory = path.resolve(flags.runs);
  if (flags.runId !== undefined) checkRunId(flags.runId);
  const resumed = flags.resume === true ? await findResumed(runsDirectory, source, flags) : undefined;
  const from = source ?? resumed?.source;
  if (!from)
    throw new UserError({
      what: "no job was named",
      expected: "latentweave train JOB",
      mend: "name a job file, make one with latentweave init, or continue a run with --resume",
      exitCode: 2,
    });
  const job = resolveWithFlags(from.input, flags, from.file);
  const runId = resumed?.runId ?? flags.runId ?? freeRunId(runsDirectory, job.name);
  if (resumed) await requireSameJob(resumed.directory, job, runId);
  else await requireNewRun(runsDirectory, runId);
  await requireFreePort(flags);
  return {
    job,
    jobDirectory: from.directory,
    ...(from.userModule === undefined ? {} : { userModule: from.userModule }),
    runsDirectory,
    runId,
    resume: resumed !== undefined,
    ...(flags.profile === undefined
      ? {}
      : { profileSteps: flags.profile === true ? defaultProfileSteps : flags.profile }),
    devices: chooseDevices(job, flags.device ?? []),
    port: flags.dashboard === "off" ? 0 : flags.dashboard,
    dashboard: flags.dashboard !== "off",
    host: flags.host,
    ...(flags.token === undefined ? {} : { token: flags.token }),
    log,
  };
}

interface ResumedRun {
  readonly runId: string;
  readonly directory: string;
  readonly source: JobSource;
}

/** The run to continue: the named one, or the newest of this job (of any job, where none is named). */
async function findResumed(
  runsDirectory: string,
  source: JobSource | undefined,
  flags: TrainFlags,
): Promise<ResumedRun> {
  const wanted = flags.runId ?? (await newestOf(runsDirectory, source, flags));
  const directory = findRun(runsDirectory, wanted);
  const input = await readTable(path.join(directory, "job.json"));
  if (!input)
    throw new UserError({
      what: "this run has no job.json",
      where: directory,
      mend: "start it again without --resume, under another --run-id",
    });
  const { jobDirectory } = await readOrigin(directory);
  const userModule = (await readTable(path.join(directory, "spec.json")))?.userModule;
  return {
    runId: path.basename(directory),
    directory,
    source: { input, directory: jobDirectory, ...(typeof userModule === "string" ? { userModule } : {}) },
  };
}

async function newestOf(
  runsDirectory: string,
  source: JobSource | undefined,
  flags: TrainFlags,
): Promise<string> {
  const name = source && resolveWithFlags(source.input, flags, source.file).name;
  for (const run of listRuns(runsDirectory)) {
    const job = await readTable(path.join(runsDirectory, run, "job.json"));
    if (name === undefined || job?.name === name) return run;
  }
  throw new UserError({
    what: name === undefined ? "there is no run to resume" : `there is no run of the job "${name}" to resume`,
    where: runsDirectory,
    mend: "start one without --resume, or name another folder with --runs",
  });
}

async function requireNewRun(runsDirectory: string, runId: string): Promise<void> {
  const directory = path.join(runsDirectory, runId);
  if (!["job.json", "spec.json"].some((file) => existsSync(path.join(directory, file)))) return;
  const { state, step } = await describeRun(directory);
  throw new UserError({
    what: `there is a run "${runId}" already (${state}, step ${step})`,
    where: directory,
    mend:
      state === "running" || state === "waiting" || state === "starting" || state === "stopping"
        ? `choose another --run-id, or end it first: latentweave stop ${runId}`
        : `continue it with --resume, or choose another --run-id`,
  });
}

/** Told before anything is written or started, and with the flag's own name. */
async function requireFreePort({ dashboard, host }: TrainFlags): Promise<void> {
  if (dashboard === "off" || dashboard === 0) return;
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = net.createServer();
    server.once("error", resolve);
    server.listen(dashboard, host, () => server.close(() => resolve(undefined)));
  });
  if (failure === undefined) return;
  throw new UserError({
    where: `--dashboard ${dashboard}`,
    what:
      failure.code === "EADDRINUSE"
        ? `port ${dashboard} of ${host} is in use`
        : `port ${dashboard} of ${host} cannot be used (${failure.code ?? failure.message})`,
    mend: "end the process that uses it, choose another port, or leave --dashboard out to get any free one",
  });
}

/** Fields that never change what a run computes, so that a resumed run may have others. */
const freeFields = /^(launcher|checkpoints)\b/;

async function requireSameJob(directory: string, job: ResolvedJob, runId: string): Promise<void> {
  const before = await readTable(path.join(directory, "job.json"));
  const changes = compareJobs(before, job).filter((change) => !freeFields.test(change.path));
  if (changes.length === 0) return;
  const shown = changes
    .slice(0, 5)
    .map(
      (change) => `${change.path} was ${JSON.stringify(change.before)}, is ${JSON.stringify(change.after)}`,
    );
  const rest = changes.length > 5 ? ` and ${changes.length - 5} more` : "";
  throw new UserError({
    what: `the job is not the one that run ${runId} was started with: ${shown.join("; ")}${rest}`,
    where: directory,
    expected: "the same job, with the same flags: only then are the bits those of a run never interrupted",
    mend: `leave the job out to continue as it was started (latentweave train --resume --run-id ${runId}), or start a new run`,
  });
}
