import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { collect, portOrOff, wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, withSharedFlags } from "../command/shared-flags.ts";
import { checkRunId } from "../train/run-id.ts";
import { catchInterrupts } from "../train/interrupts.ts";
import type { TrainFlags } from "../train/train-flags.ts";

const list = (text: string): readonly string[] => text.split(",").filter((part) => part !== "");

export function addTrain(program: Command): void {
  const verb = program
    .command("train")
    .summary("run a job")
    .description(
      "Runs a job here: starts its coordinator, parameter server and workers, shows how it goes on, and ends with the hash of what was learned. Ctrl-C ends it after a checkpoint; a second one at once.",
    )
    .argument("[job]", "a job file (.ts, .js, .mjs, .json, .yaml); may be left out with --resume")
    .option("--workers <n>", "worker processes; default: one per core or GPU", wholeNumber(1))
    .option("--shards <n>", "parameter-server shards", wholeNumber(1))
    .addOption(
      new Option(
        "--placement <name>",
        "shards in processes of their own, or in those of the first workers (default then: one in each); auto: by the number of parameters",
      ).choices(["auto", "dedicated", "beside"]),
    )
    .addOption(new Option("--launcher <name>", "where processes are started").choices(["local", "ssh"]))
    .option("--hosts <list>", "hosts of the ssh launcher, with commas between", list)
    .option(
      "--device <list>",
      "CUDA device numbers, UUIDs or cpu, with commas between; workers take them in turn",
      list,
    )
    .addOption(backendOption({ inBrowsers: true }))
    .option("--threads <n>", "intra-op threads of each worker; part of the job", wholeNumber(1))
    .option("--run-id <id>", "the run's name; default: the job's name and a number")
    .option("--steps <n>", "train for so many steps", wholeNumber(1))
    .option("--tasks <list>", "these tasks of the job alone, with commas between", list)
    .option("--seed <n>", "everything random follows from it", wholeNumber(0, 4_294_967_295))
    .option("--resume", "continue from the newest checkpoint, to the bits of a run never interrupted")
    .option(
      "--profile [steps]",
      "keep what every process spends its time on, of the newest steps (default: 1000), for `latentweave profile`",
      wholeNumber(1),
    )
    .option("--dashboard <port>", "port of the live page; 0: any free one; off: none", portOrOff, 0)
    .option("--host <address>", "address to listen at; beyond this machine only with --token", "127.0.0.1")
    .option("--token <token>", "what workers and browsers elsewhere must know")
    .option("--set <path=value>", "change any field of the job; may be given again", collect);
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["train job.ts", "as the job says"],
        ["train job.ts --workers 2 --run-id first", "two workers, under a name"],
        ["train --resume --run-id first", "go on after Ctrl-C or a crash"],
        ["train job.ts --set optimiser.learningRate=0.01", "another learning rate"],
        ["train job.ts --tasks digits --run-id alone", "one task alone, for `latentweave compare`"],
        ["train job.ts --json > steps.jsonl", "for programs"],
        ["train job.ts --host 0.0.0.0 --token SECRET", "others may join"],
      ),
    )
    .action(train);
}

async function train(jobFile: string | undefined, flags: TrainFlags): Promise<void> {
  const output = createOutput(flags);
  if (flags.runId !== undefined) checkRunId(flags.runId);
  const interrupts = catchInterrupts();
  try {
    const { loadJobFile } = await import("@latentweave/launch");
    const { startRun } = await import("../train/start-run.ts");
    const { createRunView } = await import("../train/run-view.ts");
    const { followRun } = await import("../train/follow-run.ts");
    const { endedAtOnce, exitCodeOf, formatResult } = await import("../train/run-result.ts");
    const loaded = jobFile === undefined ? undefined : { ...(await loadJobFile(jobFile)), file: jobFile };
    const run = await startRun(loaded, flags, (line) => output.note(line));
    if (flags.dashboard !== "off") output.note(`live page: ${run.url}`);
    const view = createRunView(output, flags.dashboard === "off" ? "" : run.url);
    interrupts.attach(run, (text) => view.note(text));
    const followed = await followRun(run, view);
    const result = interrupts.count > 1 ? endedAtOnce(followed) : followed;
    if (output.json) output.jsonLine(result);
    else if (output.quiet) output.line(result.hash ?? result.state);
    else output.line(`\n${formatResult(result, flags.runs === "runs" ? "" : ` --runs ${flags.runs}`)}`);
    if (result.state === "failed" && (output.json || output.quiet))
      process.stderr.write(`error: run ${result.runId} failed: ${result.reason ?? "no reason given"}\n`);
    process.exitCode = exitCodeOf(result);
  } finally {
    interrupts.release();
  }
}
