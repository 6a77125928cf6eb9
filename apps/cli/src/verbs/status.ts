import type { Command } from "commander";
import pc from "picocolors";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { describeRun, type RunDescription } from "../runs/describe-run.ts";
import { formatLoss } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";

export function addStatus(program: Command): void {
  const verb = program
    .command("status")
    .summary("runs and how they are")
    .description("Lists the runs of a folder, the newest first, or tells one run's state.")
    .argument("[run]", "one run alone");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["status", "all runs"],
        ["status digits-1 --json", "one, for programs"],
        ["status --runs /data/runs", "of another folder"],
      ),
    )
    .action(async (run: string | undefined, flags: SharedFlags) => {
      const { findRun, listRuns } = await import("@latentweave/checkpoint");
      const runs = runsDirectory(flags);
      const output = createOutput(flags);
      if (run !== undefined) {
        const description = await describeRun(findRun(runs, run));
        output.result(description, formatOne(description));
        return;
      }
      const descriptions: RunDescription[] = [];
      for (const name of listRuns(runs)) descriptions.push(await describeRun(findRun(runs, name)));
      output.result(
        descriptions,
        descriptions.length === 0
          ? `no runs in ${flags.runs}; start one with: latentweave train JOB`
          : formatAll(descriptions),
      );
    });
}

function formatAll(descriptions: readonly RunDescription[]): string {
  return formatTable(
    ["run", "state", "step", "loss", "job"],
    descriptions.map((one) => [
      pc.bold(one.runId),
      colourState(one.state),
      steps(one),
      losses(one),
      one.name,
    ]),
  );
}

function formatOne(one: RunDescription): string {
  const lines: [string, string | null][] = [
    ["run", one.runId],
    ["job", one.name],
    ["state", colourState(one.state) + (one.reason ? ` (${one.reason})` : "")],
    ["step", steps(one)],
    ["loss", losses(one) || null],
    ["hash", one.hash],
    ["page", one.url],
    ["folder", one.directory],
    [
      "next",
      one.state === "lost" || one.state === "interrupted" || one.state === "failed"
        ? `latentweave train --resume --run-id ${one.runId}`
        : null,
    ],
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(7)} ${value}`])).join("\n");
}

function steps({ step, totalSteps }: RunDescription): string {
  return totalSteps === null ? String(step) : `${Math.min(step, totalSteps)} of ${totalSteps}`;
}

function losses({ loss }: RunDescription): string {
  return Object.entries(loss)
    .map(([task, value]) => `${task} ${formatLoss(value)}`)
    .join(", ");
}

function colourState(state: RunDescription["state"]): string {
  if (state === "finished" || state === "running") return pc.green(state);
  return state === "failed" || state === "lost" ? pc.red(state) : pc.yellow(state);
}
