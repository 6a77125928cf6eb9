import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { BackendName } from "@latentweave/compute";
import { type SplitName, UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { exitCodes } from "../command/failure.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly steps?: number;
  readonly seeds: number;
  readonly budgetSteps?: number;
  readonly budgetMinutes?: number;
  readonly groups?: number;
  readonly folder?: string;
  readonly workers?: number;
  readonly split?: SplitName;
  readonly backend?: BackendName;
}

export function addTasks(program: Command): void {
  const verb = program.command("tasks").summary("which tasks help each other");
  const analyse = verb
    .command("analyse")
    .summary("measures which tasks of a job help each other, and suggests groups")
    .description(
      "Trains each task of a job alone, all together, and every pair, with as many steps and samples of each task; says what tasks gain from each other, how well cheap scores (cosine of gradients, affinity, CKA, MMD) would have told, and which tasks to train together. Runs lie in a folder of their own: the same command goes on where it was interrupted, and with a larger budget adds to what is there.",
    )
    .argument("<job>", "a job file with two tasks or more")
    .option("--steps <n>", "steps of each run; default: the job's", wholeNumber(1))
    .option("--seeds <n>", "so many seeds, from the job's on", wholeNumber(1), 1)
    .option(
      "--budget-steps <n>",
      "no run is begun that would go beyond so many steps, those of a run counted once for each of its tasks",
      wholeNumber(1),
    )
    .option("--budget-minutes <n>", "no run is begun after so many minutes", wholeNumber(1))
    .option("--groups <n>", "at most so many groups are suggested", wholeNumber(1))
    .option("--folder <dir>", "where the runs and the report lie; default: NAME-analysis among the runs")
    .option("--workers <n>", "worker processes of each run", wholeNumber(1))
    .addOption(
      new Option(
        "--split <name>",
        "rows that gains are measured on; default: validation where the data have some, else test",
      ).choices(["validation", "test"]),
    )
    .addOption(backendOption({ purpose: "how to compute scores; default: the best there is" }));
  withSharedFlags(analyse)
    .addHelpText(
      "after",
      examples(
        ["tasks analyse job.ts --seeds 3", "everything, with three seeds"],
        ["tasks analyse job.ts --steps 200 --budget-steps 8000", "as much as 8,000 steps can tell"],
      ),
    )
    .action(run);
}

async function run(jobFile: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const note = (line: string): void => output.note(line);
  const { loadJobFile } = await import("@latentweave/launch");
  const { resolveWithFlags } = await import("../train/fold-flags.ts");
  const { planAnalysis } = await import("../analyse/plan-analysis.ts");
  const { subJob } = await import("../analyse/sub-job.ts");
  const { trainSeries } = await import("../train/train-series.ts");
  const { analyse } = await import("../analyse/analysis.ts");
  const { formatAnalysis } = await import("../analyse/format-analysis.ts");
  const { analysisPage } = await import("../analyse/analysis-page.ts");
  const { loadReportBackend } = await import("../report/load-model.ts");
  const source = { ...(await loadJobFile(jobFile)), file: jobFile };
  const job = resolveWithFlags(
    source.input,
    { runs: flags.runs, dashboard: "off", host: "127.0.0.1" },
    jobFile,
  );
  const tasks = Object.keys(job.tasks);
  if (tasks.length < 2)
    throw new UserError({
      what: "the job has one task, which nothing can help",
      where: jobFile,
      expected: "two tasks or more",
      mend: "give the job another task",
    });
  const steps = flags.steps ?? job.steps;
  if (steps === null)
    throw new UserError({
      what: "the job counts epochs, which are other numbers of steps for other tasks",
      where: jobFile,
      expected: "a number of steps, the same for every run",
      mend: "say --steps N",
      exitCode: 2,
    });
  const folder = path.resolve(
    flags.folder ?? path.join(runsDirectory(flags), `${job.name.replace(/[^A-Za-z0-9._-]+/g, "-")}-analysis`),
  );
  await mkdir(folder, { recursive: true });
  const plan = planAnalysis({
    ...{ tasks, steps, budget: flags.budgetSteps },
    seeds: Array.from({ length: flags.seeds }, (_, at) => job.seed + at),
  });
  const runs = plan.runs.map((one) => ({
    ...one,
    input: subJob(job, one, steps),
    title: `${one.tasks.join(" and ")}, seed ${one.seed}`,
  }));
  const done = await trainSeries(runs, {
    ...{ source, folder, note, workers: flags.workers },
    budgetMs: flags.budgetMinutes === undefined ? undefined : flags.budgetMinutes * 60_000,
    mayDiffer: /^(launcher|checkpoints)\b/,
    mend: "name another --folder, or remove this one",
  });
  if (done === "interrupted") {
    note("stopped; the same command goes on from here");
    process.exitCode = exitCodes.interrupted;
    return;
  }
  const trained = new Set(done.map(({ runId }) => runId));
  if (!done.some(({ kind }) => kind === "pair"))
    throw new UserError({
      what: `the budget ended before a pair was trained: ${trained.size} of ${plan.runs.length + plan.left.length} runs are there`,
      where: folder,
      mend: "give it more steps or minutes: what is trained already is kept",
    });
  const backend = await loadReportBackend(flags.backend);
  const hasValidation = Object.values(job.tasks).every(({ data }) => (data.split?.validation ?? 0) > 0);
  const analysis = await analyse({
    ...{ tasks, steps, done, folder, backend, note },
    split: flags.split ?? (hasValidation ? "validation" : undefined),
    left: [...plan.runs.filter(({ runId }) => !trained.has(runId)), ...plan.left],
    mostGroups: flags.groups ?? tasks.length,
  });
  await writeFile(path.join(folder, "analysis.json"), `${JSON.stringify(analysis, undefined, 2)}\n`);
  const title = `Which tasks of ${job.name} help each other`;
  await writeFile(path.join(folder, "analysis.html"), analysisPage(title, analysis));
  note(`report: ${path.join(folder, "analysis.html")}`);
  output.result(analysis, formatAnalysis(analysis));
}
