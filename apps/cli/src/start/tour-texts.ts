import pc from "picocolors";
import { formatCount } from "../show/numbers.ts";
import type { TourPlan } from "./tour-plan.ts";

/** What the tour will do, before it does it. */
export function introduction(tasks: readonly string[], plan: TourPlan): string {
  const { steps, killStep, compareStep, isNative } = plan;
  return [
    "",
    pc.bold(
      "Latentweave trains multi-task autoencoders on many processes: the same bits, whatever the cluster.",
    ),
    `This tour trains ${tasks.join(" and ")} here, on two worker processes, for ${formatCount(steps)} steps;`,
    `at step ${formatCount(killStep)} it kills one worker with kill -9, and the run goes on;`,
    `it trains the same job undisturbed up to step ${formatCount(compareStep)}, and compares every bit;`,
    "it trains each task alone, and sets all that beside PCA and a linear classifier.",
    "It takes a few minutes; Ctrl-C ends it.",
    ...(isNative
      ? []
      : [
          pc.yellow(
            "Native TensorFlow is not set up here, so all this is done with a much smaller job: `npx latentweave doctor` says more.",
          ),
        ]),
  ].join("\n");
}

/** Where everything lies, and what to type next. */
export function nextCommands(tour: {
  readonly runId: string;
  readonly directory: string;
  readonly jobFile: string;
  readonly runs: string;
  readonly task: string;
  readonly seconds: string;
}): string {
  const { runId, jobFile, task } = tour;
  const runs = tour.runs === "runs" ? "" : ` --runs ${tour.runs}`;
  const commands: readonly (readonly [command: string, purpose: string])[] = [
    [`dashboard${runs}`, "the live page again, for runs on disk"],
    [`evaluate ${runId} --baselines${runs}`, "the figures again"],
    [`encode ${runId} mnist --task ${task} -o latents.npy${runs}`, "32 numbers for each image"],
    [`hash ${runId}${runs}`, "SHA-256 of what was learned"],
    [`train ${jobFile} --workers 4${runs}`, "four workers: another pace, the same bits"],
    [`train ${jobFile} --host 0.0.0.0 --token SECRET${runs}`, "let other machines in"],
    ["join http://HOST:PORT --token SECRET", "lend this machine to a run"],
    ["init measurements.csv", "a job from your own data"],
  ];
  const width = Math.max(...commands.map(([command]) => command.length));
  return [
    `run       ${tour.directory}`,
    `took      ${tour.seconds}`,
    "",
    pc.bold("Next:"),
    ...commands.map(([command, purpose]) => `  npx latentweave ${command.padEnd(width)}  ${pc.dim(purpose)}`),
  ].join("\n");
}
