import { Command } from "commander";
import pc from "picocolors";
import { addBench } from "../verbs/bench.ts";
import { addChaos } from "../verbs/chaos.ts";
import { addCompare } from "../verbs/compare.ts";
import { addCompletion } from "../verbs/completion.ts";
import { addCoordinator } from "../verbs/coordinator.ts";
import { addDashboard } from "../verbs/dashboard.ts";
import { addData } from "../verbs/data.ts";
import { addDiff } from "../verbs/diff.ts";
import { addDoctor } from "../verbs/doctor.ts";
import { addEncode } from "../verbs/encode.ts";
import { addEvaluate } from "../verbs/evaluate.ts";
import { addHash } from "../verbs/hash.ts";
import { addInit } from "../verbs/init.ts";
import { addInspect } from "../verbs/inspect.ts";
import { addJoin } from "../verbs/join.ts";
import { addLogs } from "../verbs/logs.ts";
import { addParameterServer } from "../verbs/parameter-server.ts";
import { addProfile } from "../verbs/profile.ts";
import { addReplay } from "../verbs/replay.ts";
import { addSetup } from "../verbs/setup.ts";
import { addStatus } from "../verbs/status.ts";
import { addStop } from "../verbs/stop.ts";
import { addTasks } from "../verbs/tasks.ts";
import { addTour } from "../verbs/tour.ts";
import { addTrain } from "../verbs/train.ts";
import { addTransfer } from "../verbs/transfer.ts";
import { addTranslate } from "../verbs/translate.ts";
import { addVerify } from "../verbs/verify.ts";
import { addWorker } from "../verbs/worker.ts";
import { examples } from "./shared-flags.ts";
import { packageVersion } from "./version.ts";

/** The whole tree of verbs. Parsing it throws CommanderError in place of ending the process. */
export function createProgram(): Command {
  const program = new Command("latentweave")
    .description(
      "Trains multi-task autoencoders on many processes and machines: the same bits, whatever the cluster.",
    )
    .version(packageVersion(), "-v, --version", "the version")
    .helpOption("-h, --help", "this text")
    .helpCommand("help [verb]", "what a verb does, with examples")
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      examples(
        ["doctor", "what this machine has, and how fast it is"],
        ["init measurements.csv", "a job file from your own data"],
        ["train job.ts --workers 2", "train it here, with a live page"],
        ["evaluate RUN --baselines", "what was learned, beside PCA and a linear classifier"],
      ) + "\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted after a checkpoint.",
    );
  addSetup(program);
  addDoctor(program);
  addInit(program);
  addTrain(program);
  addTour(program);
  addJoin(program);
  addStatus(program);
  addLogs(program);
  addStop(program);
  addHash(program);
  addInspect(program);
  addProfile(program);
  addVerify(program);
  addReplay(program);
  addDiff(program);
  addEvaluate(program);
  addCompare(program);
  addTasks(program);
  addEncode(program);
  addTransfer(program);
  addTranslate(program);
  addData(program);
  addDashboard(program);
  addBench(program);
  addChaos(program);
  addCompletion(program);
  addCoordinator(program);
  addParameterServer(program);
  addWorker(program);
  configure(program);
  return program;
}

/** Commander's own ways of ending and complaining, for this command and all below it. */
function configure(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(toOurStyle(text, command)),
  });
  for (const child of command.commands) configure(child);
}

function toOurStyle(text: string, command: Command): string {
  const [first = "", suggestion] = text.trim().split("\n");
  const verb = command.parent ? `${command.name()} ` : "";
  const lines = [first.replace(/^error:/, pc.red("error:"))];
  if (suggestion !== undefined) lines.push(`  ${suggestion.replace(/^\(|\)$/g, "")}`);
  lines.push(`  to mend:  see latentweave ${verb}--help`);
  return `${lines.join("\n")}\n`;
}
