import path from "node:path";
import { readFile } from "node:fs/promises";
import type { ResolvedJob } from "@latentweave/job";
import { cacheDirectory, UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { dashboardFile } from "../command/dashboard-file.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { type ProcessFlags, processContext, withProcessFlags } from "../command/process-flags.ts";
import { programDigest } from "../command/program-digest.ts";
import { packageVersion } from "../command/version.ts";

interface CoordinatorFlags extends ProcessFlags {
  readonly run: string;
  readonly host: string;
  readonly port: number;
  readonly shards: number;
  readonly workers: number;
  readonly resume?: boolean;
  readonly successor?: boolean;
  readonly stopping?: string;
  readonly dashboard: boolean;
  readonly balance: boolean;
  readonly profile?: number;
}

/** Shards leave with their launcher too: no checkpoint is to be waited for. What they hold is still there for `--resume`. */
const orphanMs = 1_000;

export function addCoordinator(program: Command): void {
  const command = program
    .command("coordinator")
    .description("The coordinator of one run, for launchers; its folder holds job.json and spec.json.")
    .requiredOption("--run <dir>", "the run's folder")
    .option("--host <address>", "where to listen; beyond loopback a token is needed", "127.0.0.1")
    .option("--port <port>", "0: any free one", wholeNumber(0), 0)
    .option("--shards <s>", "parameter-server shards of the run", wholeNumber(1), 1)
    .option("--workers <n>", "workers to wait for before the first step", wholeNumber(1), 1)
    .option("--resume", "go on from the newest checkpoint")
    .addOption(new Option("--successor", "take over from one that ended in the middle of the run").hideHelp())
    .addOption(new Option("--stopping <reason>", "the run was asked to stop meanwhile").hideHelp())
    .addOption(
      new Option("--no-balance", "leave slow workers their slots: to measure what that costs").hideHelp(),
    )
    .option("--profile <steps>", "keep a profile of the newest steps", wholeNumber(1))
    .option("--no-dashboard", "serve no page");
  withProcessFlags(command).action(async (flags: CoordinatorFlags) => {
    const { token, signal } = await processContext(flags, orphanMs);
    const { interruptNobody } = await import("@latentweave/vault");
    // No step waits for it.
    interruptNobody();
    const { runCoordinatorProcess } = await import("@latentweave/coordinator-app");
    const directory = path.resolve(flags.run);
    const job = await readJob(directory);
    const page = flags.dashboard ? dashboardFile() : undefined;
    const outcome = await runCoordinatorProcess(
      {
        directory,
        runId: path.basename(directory),
        host: flags.host,
        port: flags.port,
        ...(token === undefined ? {} : { token }),
        shards: flags.shards,
        expectedWorkers: flags.workers,
        balance: flags.balance,
        hostAggregation: job.launcher.hostAggregation !== "off",
        resume: flags.resume === true,
        successor: flags.successor === true,
        ...(flags.stopping === undefined ? {} : { stopping: flags.stopping }),
        keepCheckpoints: job.checkpoints.keep,
        ...(flags.profile === undefined ? {} : { profileSteps: flags.profile }),
        preparedRoot: path.join(cacheDirectory(), "prepared"),
        dashboardFile: page,
        launcher: flags.withParent === true || flags.tokenStdin === true ? process.ppid : undefined,
        facts: { software: { latentweave: packageVersion(), build: programDigest(), node: process.version } },
        onListening: (url) => say({ listening: url }),
        log: (line) => process.stderr.write(`${line}\n`),
      },
      signal,
    );
    say({ outcome });
    process.exit(outcome.state === "finished" ? 0 : outcome.state === "interrupted" ? 130 : 1);
  });
}

/** Launchers read lines of JSON from standard output. */
function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function readJob(directory: string): Promise<ResolvedJob> {
  const file = path.join(directory, "job.json");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError({
      what: "the run's job cannot be read",
      where: file,
      mend: "start runs with `latentweave train JOB`, which writes it",
      cause: error,
    });
  });
  return JSON.parse(text) as ResolvedJob;
}
