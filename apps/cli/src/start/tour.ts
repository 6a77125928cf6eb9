import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parameterHash } from "@latentweave/checkpoint";
import { loadJobFile } from "@latentweave/launch";
import { UserError } from "@latentweave/protocol";
import pc from "picocolors";
import { exitCodes } from "../command/failure.ts";
import { createOutput, type Output } from "../command/output.ts";
import { formatReport } from "../report/format-report.ts";
import { loadReportBackend } from "../report/load-model.ts";
import { makeReport } from "../report/make-report.ts";
import { openRun } from "../report/open-run.ts";
import { drawPicture } from "../report/picture.ts";
import { pictureBlocks } from "../report/picture-blocks.ts";
import { beatsPca, verdictsOf } from "../report/verdict.ts";
import { checkpointFolder } from "../runs/find-target.ts";
import { formatCount, formatDuration } from "../show/numbers.ts";
import { followRun } from "../train/follow-run.ts";
import { catchInterrupts, type Interrupts } from "../train/interrupts.ts";
import type { LaunchedRun, LaunchOptions } from "../train/launched-run.ts";
import { prepareLaunch } from "../train/prepare-launch.ts";
import { freeRunId } from "../train/run-id.ts";
import type { RunResult } from "../train/run-result.ts";
import { createRunView, type RunView } from "../train/run-view.ts";
import { startNewRun } from "../train/start-run.ts";
import { killAWorker } from "./kill-a-worker.ts";
import { introduction, nextCommands } from "./tour-texts.ts";
import { createSideBySideViews } from "./side-by-side-view.ts";
import { aloneJob, planTour, type TourPlan } from "./tour-plan.ts";

export interface TourOptions {
  /** A job with several tasks. */
  readonly jobFile: string;
  /** Folder that holds runs, as given. */
  readonly runs: string;
  /** In place of the tour's own number. */
  readonly steps?: number;
}

/**
 * What `npm start` shows: a run whose worker is killed, the same bits from one that nobody disturbed, and what was
 * learned beside each task alone and beside baselines.
 * @returns the exit code: 0 only if the bits were the same and (on a fast backend) every task did better than PCA
 */
export async function takeTour(options: TourOptions): Promise<number> {
  const startMs = performance.now();
  const output = createOutput({});
  const plan = planTour(options.steps);
  const interrupts = catchInterrupts();
  try {
    const runsDirectory = path.resolve(options.runs);
    const source = { ...(await loadJobFile(options.jobFile)), file: options.jobFile };
    const main = await prepareLaunch(
      source,
      {
        ...{ runs: runsDirectory, runId: freeRunId(runsDirectory, "start") },
        ...{ workers: 2, dashboard: 0, host: "127.0.0.1", set: plan.settings },
      },
      (line) => output.note(line),
    );
    const tasks = Object.keys(main.job.tasks);
    output.line(introduction(tasks, plan));

    heading(output, `1  Both tasks, two workers, ${formatCount(plan.steps)} steps`);
    const learned = await trainWithKilling(main, plan, options, output, interrupts);

    heading(output, `2  The same job undisturbed, up to step ${formatCount(plan.compareStep)}`);
    const isSame = await compareBits(main, learned, plan, options, output, interrupts);

    heading(output, `3  Each task alone, as many steps and samples`);
    const alone = await trainAlone(main, tasks, options, output, interrupts);

    // Nothing is left to be stopped in order: Ctrl-C may end the process.
    interrupts.release();
    heading(output, "4  What was learned, on samples that nobody trained on");
    const isBetter = await report(learned, alone, plan, output);

    output.line(
      `\n${nextCommands({ runId: learned.runId, directory: learned.directory, jobFile: options.jobFile, runs: options.runs, task: tasks[0] ?? "", seconds: formatDuration(performance.now() - startMs) })}`,
    );
    return isSame && isBetter ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (error instanceof Interrupted) return exitCodes.interrupted;
    throw error;
  } finally {
    interrupts.release();
  }
}

/** Ctrl-C: what was begun has been stopped and has its checkpoint; the tour ends. */
class Interrupted extends Error {}

function heading(output: Output, text: string): void {
  output.line(`\n${pc.bold(text)}`);
}

function requireFinished(result: RunResult, interrupts: Interrupts): RunResult {
  if (interrupts.count > 0) throw new Interrupted();
  if (result.state === "finished") return result;
  throw new UserError({
    what: `the run ${result.state}: ${result.reason ?? "no reason given"}`,
    where: result.directory,
    mend: `see why: npx latentweave logs ${result.runId}`,
  });
}

/** Hands a view's messages to somebody else too. */
function alsoTo(view: RunView, take: RunView["take"]): RunView {
  return {
    ...view,
    take(message) {
      view.take(message);
      take(message);
    },
  };
}

async function trainWithKilling(
  launch: LaunchOptions,
  plan: TourPlan,
  tour: TourOptions,
  output: Output,
  interrupts: Interrupts,
): Promise<RunResult> {
  const shown: { view?: RunView } = {};
  const say = (line: string): void => (shown.view ? shown.view.note(line) : output.line(line));
  const run = await startNewRun({ ...launch, log: say }, tour.jobFile);
  output.line(`live page: ${pc.cyan(run.url)}  (open it in a browser)`);
  const view = createRunView(output, run.url);
  shown.view = view;
  interrupts.attach(run, say);
  const loud = (line: string): void => say(pc.yellow(line));
  const killer = killAWorker(run.url, plan.killStep, loud);
  const result = await followRun(
    run,
    alsoTo(view, (message) => killer.take(message)),
  );
  requireFinished(result, interrupts);
  if (!killer.killing)
    throw new UserError({ what: "the run ended before a worker could be killed", where: run.directory });
  output.line(`finished after ${formatDuration(result.elapsedMs)}, hash ${result.hash ?? ""}`);
  return result;
}

async function compareBits(
  launch: LaunchOptions,
  main: RunResult,
  { compareStep }: TourPlan,
  tour: TourOptions,
  output: Output,
  interrupts: Interrupts,
): Promise<boolean> {
  const runId = `${main.runId}-undisturbed`;
  const run = await startNewRun({ ...launch, runId, port: 0 }, tour.jobFile);
  const view = createRunView(output, run.url);
  interrupts.attach(run, (line) => view.note(line));
  let isEnough = false;
  const result = await followRun(
    run,
    alsoTo(view, (message) => {
      if (isEnough || message.kind !== "commit" || message.point.step + 1 < compareStep) return;
      isEnough = true;
      run.stop(`step ${compareStep} is all that is compared`).catch(() => run.stopNow());
    }),
  );
  if (interrupts.count > 0) throw new Interrupted();
  if (result.step < compareStep) requireFinished(result, interrupts);
  const hashAt = (directory: string): Promise<string> =>
    parameterHash(checkpointFolder(directory, compareStep), (line) => output.note(line));
  const [disturbed, undisturbed] = [await hashAt(main.directory), await hashAt(run.directory)];
  const isSame = disturbed === undisturbed;
  output.line(
    `SHA-256 of the parameters after ${formatCount(compareStep)} steps, with the kill and without:\n` +
      (isSame
        ? pc.green(`same bits: ${disturbed} = ${undisturbed}`)
        : pc.red(`not the same bits: ${disturbed} and ${undisturbed}`)),
  );
  return isSame;
}

async function trainAlone(
  launch: LaunchOptions,
  tasks: readonly string[],
  tour: TourOptions,
  output: Output,
  interrupts: Interrupts,
): Promise<readonly RunResult[]> {
  const runs: LaunchedRun[] = [];
  try {
    for (const task of tasks)
      runs.push(
        await startNewRun(
          { ...launch, job: aloneJob(launch.job, task), runId: `${launch.runId}-${task}`, port: 0 },
          tour.jobFile,
        ),
      );
  } catch (error) {
    for (const run of runs) run.stopNow();
    throw error;
  }
  const views = createSideBySideViews(tasks, output);
  const [first] = runs;
  if (first)
    interrupts.attach(
      {
        ...first,
        stop: async (reason) => {
          await Promise.all(runs.map((run) => run.stop(reason)));
        },
        stopNow: () => {
          for (const run of runs) run.stopNow();
        },
      },
      (line) => views[0]?.note(line),
    );
  const results = await Promise.all(runs.map((run, index) => followRun(run, views[index] as RunView)));
  return results.map((result) => requireFinished(result, interrupts));
}

async function report(
  main: RunResult,
  alone: readonly RunResult[],
  plan: TourPlan,
  output: Output,
): Promise<boolean> {
  const note = (line: string): void => output.note(pc.dim(line));
  const run = await openRun(main.directory, note);
  const others = [];
  for (const { directory } of alone) others.push(await openRun(directory, note));
  const backend = await loadReportBackend();
  const fitted = await makeReport({ run, alone: others, baselines: true, backend, log: note });
  const { tasks } = fitted.report;
  output.line(`\n${formatReport(fitted.report, { together: "both together", alone: "alone" })}\n`);
  for (const task of tasks) output.line(`${verdictsOf(task).join("\n")}\n`);
  const blocks = await pictureBlocks([{ label: "learned", run }], fitted.pcas, backend);
  const picture = path.join(main.directory, "reconstructions.png");
  await writeFile(picture, drawPicture(blocks));
  output.line(`picture   ${picture}`);
  const worse = tasks.filter((task) => beatsPca(task) === false).map(({ task }) => task);
  if (worse.length === 0) return true;
  if (!plan.mustBeatPca) {
    output.line(`So short a run does not beat PCA yet (${worse.join(", ")}).`);
    return true;
  }
  output.line(pc.red(`The reconstruction error is not below PCA's: ${worse.join(", ")}`));
  return false;
}
