import { existsSync } from "node:fs";
import path from "node:path";
import type { Certificate, RunSummary } from "../chaos/certificate/certificate.ts";
import type { DrillContext } from "../chaos/run-drill.ts";
import type { LaunchOptions } from "../train/launched-run.ts";
import { type Command, InvalidArgumentError, Option } from "commander";
import { exitCodes } from "../command/failure.ts";
import { collect, wholeNumber } from "../command/number-arguments.ts";
import { createOutput, type Output } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { catchInterrupts } from "../train/interrupts.ts";
import { checkRunId } from "../train/run-id.ts";

interface Flags extends SharedFlags {
  readonly plan?: string;
  readonly random?: readonly number[];
  readonly workers?: number;
  readonly shards?: number;
  readonly placement?: "dedicated" | "beside";
  readonly steps?: number;
  readonly seed?: number;
  readonly set?: string[];
  readonly runId?: string;
  readonly out?: string;
  readonly reference?: string;
}

const largestSeed = 4_294_967_295;

export function addChaos(program: Command): void {
  const verb = program
    .command("chaos")
    .summary("prove that a job survives faults")
    .description(
      "Runs a job undisturbed, then again under a plan of faults on its real processes, and prints a certificate: what each fault cost, that no sample was lost or applied twice, and that the hashes are equal. Exit code 0 only if all of that holds.",
    )
    .argument("<job>", "a job file")
    .option("--plan <file>", "faults to strike with (.yaml or .json); docs/chaos.md has the format")
    .option("--random <seeds>", "draw a plan from a seed, or one from each of FIRST..LAST", seeds)
    .option("--workers <n>", "worker processes; default: the plan's, or 3", wholeNumber(1))
    .option("--shards <n>", "parameter-server shards; default: the plan's, or 2", wholeNumber(1))
    .addOption(
      new Option(
        "--placement <name>",
        "beside: shards are in the processes of the first workers, which a fault strikes as one",
      ).choices(["dedicated", "beside"]),
    )
    .option(
      "--steps <n>",
      "train for so many steps; default: the plan's, or 120 with --random",
      wholeNumber(1),
    )
    .option("--seed <n>", "everything random in the job follows from it", wholeNumber(0, largestSeed))
    .option("--set <path=value>", "change any field of the job; may be given again", collect)
    .option("--reference <run>", "a finished run of the same job, in place of one that is made now")
    .option("--run-id <id>", "name of the disturbed run; default: the job's name, chaos and a number")
    .option("--out <dir>", "folder for certificate.json and certificate.html; default: beside the run");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["chaos job.ts --plan faults.yaml", "under a plan of your own"],
        ["chaos job.ts --random 7", "under one drawn from a seed"],
        ["chaos job.ts --random 1..20", "under twenty of them"],
      ),
    )
    .action(chaos);
}

function seeds(text: string): readonly number[] {
  const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  const from = Number(first);
  const to = Number(last ?? first);
  if (first === undefined || to < from || to > largestSeed || to - from >= 1000)
    throw new InvalidArgumentError("Expected a seed, or FIRST..LAST with at most 1000 of them.");
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

async function chaos(jobFile: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  if (flags.runId !== undefined) checkRunId(flags.runId);
  const { loadJobFile } = await import("@latentweave/launch");
  const { apart, readPlanSource, settlePlans, wishesOf } = await import("../chaos/settle-plan.ts");
  const { prepareLaunch } = await import("../train/prepare-launch.ts");
  const { runDrill } = await import("../chaos/run-drill.ts");
  const source = await readPlanSource(flags);
  const wishes = wishesOf(source, flags);
  const { workers, shards } = wishes;
  const job = { ...(await loadJobFile(jobFile)), file: jobFile };
  const say = (text: string): void => output.note(text);
  const launchAs = async (runId: string) =>
    apart(
      await prepareLaunch(
        job,
        { runs: flags.runs, ...wishes, runId, dashboard: "off", host: "127.0.0.1" },
        say,
      ),
    );
  const base = flags.runId ?? freeBase(runsDirectory(flags), jobFile);
  const { requireOneHash } = await import("../chaos/one-hash.ts");
  const reference = await launchAs(`${base}-undisturbed`);
  requireOneHash(reference.job, jobFile);
  const audited = reference.job.audit.share === 1;
  const { launcher } = reference.job;
  const beside = launcher.kind === "local" && launcher.placement === "beside";
  const shape = { workers, shards, beside, audited, steps: reference.job.steps ?? Number.MAX_SAFE_INTEGER };
  const plans = settlePlans(source, shape);

  const interrupts = catchInterrupts();
  const context = {
    ...{ jobFile, workers, shards, beside, say, out: flags.out },
    onStart(run: Parameters<typeof interrupts.attach>[0]): boolean {
      interrupts.attach(run, say);
      return interrupts.count === 0;
    },
  };
  try {
    const undisturbed = await undisturbedRun(reference, flags.reference, context);
    // A job in epochs has its number of steps only now.
    settlePlans(source, { ...shape, steps: undisturbed.version });
    const certificates: Certificate[] = [];
    for (const named of plans) {
      if (interrupts.count > 0) break;
      const launch = await launchAs(`${base}${named.suffix}`);
      say(`under faults (${named.name}): run ${launch.runId}`);
      const out =
        flags.out === undefined || source.kind === "file"
          ? flags.out
          : path.join(flags.out, named.suffix.replace(/^-/, ""));
      const drill = await runDrill(launch, named, undisturbed, { ...context, out });
      certificates.push(drill.certificate);
      await show(output, drill.certificate, drill.page);
    }
    if (certificates.length > 1 && !output.json && !output.quiet) {
      const { summaryText } = await import("../chaos/certificate/summary-text.ts");
      output.line(`\n${summaryText(certificates)}`);
    }
    if (output.json) output.result(source.kind === "file" ? certificates[0] : certificates, "");
    process.exitCode =
      interrupts.count > 0
        ? exitCodes.interrupted
        : certificates.every(({ green }) => green)
          ? exitCodes.done
          : exitCodes.failed;
  } finally {
    interrupts.release();
  }
}

async function undisturbedRun(
  launch: LaunchOptions,
  finished: string | undefined,
  context: DrillContext,
): Promise<RunSummary> {
  if (finished !== undefined) {
    const { readReference } = await import("../chaos/reference-run.ts");
    const run = await readReference(finished, launch);
    context.say(`undisturbed: run ${run.runId}, made before; ${run.hash}`);
    return run;
  }
  const { runUndisturbed } = await import("../chaos/run-drill.ts");
  context.say(`undisturbed: run ${launch.runId}`);
  const run = await runUndisturbed(launch, context);
  context.say(`undisturbed: ${run.state}, ${run.hash ?? run.reason ?? ""}`);
  return run;
}

/** The first of NAME-chaos-1, NAME-chaos-2, ... of whose runs none is there. */
function freeBase(runs: string, jobFile: string): string {
  const name = path.basename(path.dirname(path.resolve(jobFile))).replace(/[^A-Za-z0-9._-]+/g, "-");
  for (let number = 1; ; number++) {
    const base = `${name.replace(/^[-.]+/, "") || "job"}-chaos-${number}`;
    if (![base, `${base}-undisturbed`].some((run) => existsSync(path.join(runs, run)))) return base;
  }
}

async function show(output: Output, certificate: Certificate, page: string): Promise<void> {
  if (output.json) return;
  if (output.quiet) return output.line(certificate.green ? "green" : "not green");
  const { certificateText } = await import("../chaos/certificate/certificate-text.ts");
  output.line(`\n${certificateText(certificate, page)}`);
}
