import {
  type PathPart,
  phaseOrder,
  type ProcessFigures,
  type SlowStep,
  type StepPath,
  sumsOf,
} from "@latentweave/telemetry";
import { formatCount, formatShare } from "../show/numbers.ts";
import { type Cell, formatTable } from "../show/table.ts";
import type { ReadProfile } from "./read-profile.ts";

/** More workers than this are shown by their extremes. */
const mostWorkers = 8;
const extremes = 3;
const mostSlow = 5;
/** Shorter parts of a path tell nobody anything. */
const shownFromMs = 0.05;

export function formatProfile(read: ReadProfile): string {
  const { summary, run, runId, mode } = read;
  const { steps, medianMs, p95Ms, medianStep } = summary;
  const range = `${steps[0]?.step.step}–${steps.at(-1)?.step.step}`;
  return [
    `run ${runId}: ${formatCount(steps.length)} steps profiled (${range}), ${formatMs(medianMs)} each in the median, p95 ${formatMs(p95Ms)}`,
    figuresTable(summary.processes),
    ...(run.isOrdered
      ? [
          `In the mode \`${mode}\` several planned steps are under way at a time: there is no critical path. ${busiest(summary.processes)}`,
        ]
      : []),
    ...(medianStep ? [pathText(medianStep, "the median")] : []),
    ...culpritText(read),
    ...slowText(read),
    ...clockText(read),
  ].join("\n\n");
}

export function formatStep(read: ReadProfile, asked: StepPath): string {
  const { summary, run } = read;
  const { step, timeline } = asked.step;
  const own = summary.ofSteps.filter(
    (one) => one.step === step && (run.isOrdered || one.timeline === timeline),
  );
  const rows = own.flatMap(({ process, ms, phases }) =>
    phaseOrder.flatMap((phase): Cell[][] => {
      const spent = phases.get(phase);
      return spent === undefined ? [] : [[process, phase, formatMs(spent), formatShare(spent / ms)]];
    }),
  );
  const late = summary.slow.find((slow) => slow.step === step);
  return [
    `run ${read.runId}: step ${step} took ${formatMs(asked.ms)}, ${formatMs(summary.medianMs)} in the median${
      asked.step.isWhole ? "" : " (the step before it was not recorded: when it began is not known for sure)"
    }`,
    formatTable(["process", "phase", "time", "of its step"], withoutRepeats(rows)),
    ...(run.isOrdered ? [] : [pathText(asked, undefined)]),
    ...(late ? [`late: ${lateText(late, read)}`] : []),
    ...clockText(read),
  ].join("\n\n");
}

function figuresTable(processes: readonly ProcessFigures[]): string {
  const workers = processes.filter(({ role }) => role === "worker");
  const byIdle = workers.toSorted((a, b) => idleOf(a) - idleOf(b));
  const hidden = new Set(
    workers.length > mostWorkers ? byIdle.slice(extremes, -extremes).map(({ process }) => process) : [],
  );
  const shown = processes.filter(({ process }) => !hidden.has(process));
  const rows = shown.flatMap(({ process, phases }) =>
    phases.map(({ phase, medianMs, p95Ms, share }): Cell[] => [
      ...[process, phase, formatMs(medianMs), formatMs(p95Ms), formatShare(share)],
    ]),
  );
  const table = formatTable(["process", "phase", "median", "p95", "of its steps"], withoutRepeats(rows));
  return hidden.size === 0
    ? table
    : `${table}\n${hidden.size} more workers, between the ${extremes} busiest and the ${extremes} most idle ones: --json has them`;
}

function idleOf({ phases }: ProcessFigures): number {
  return phases.find(({ phase }) => phase === "idle")?.share ?? 0;
}

function withoutRepeats(rows: readonly Cell[][]): Cell[][] {
  return rows.map((row, place) => (row[0] === rows[place - 1]?.[0] ? ["", ...row.slice(1)] : row));
}

function busiest(processes: readonly ProcessFigures[]): string {
  const [most] = processes.filter(({ role }) => role !== "coordinator").sort((a, b) => idleOf(a) - idleOf(b));
  return most ? `Busiest is ${most.process}: idle ${formatShare(idleOf(most))} of its time.` : "";
}

/** `worker-1 compute 9.8 ms → push 0.7 → shard-0 reduce 1.2 → ...` */
function pathText({ step, ms, path }: StepPath, which: string | undefined): string {
  const parts = pathInShort(path);
  let process = "";
  const texts = parts.map((part) => {
    const name = part.process === process ? "" : `${part.process} `;
    process = part.process;
    return `${name}${part.phase} ${part.ms.toFixed(1)}`;
  });
  const shownMs = parts.reduce((sum, part) => sum + part.ms, 0);
  const title = `critical path of step ${step.step} (${formatMs(ms)}${which ? `, ${which}` : ""}), in milliseconds:`;
  const rest = ms - shownMs;
  return `${title}\n  ${texts.join(" → ")}${rest >= shownFromMs ? ` (and ${rest.toFixed(1)} in shorter parts)` : ""}`;
}

/** What one process does in a row, by phase: a worker's many micro-batches are one computation to whoever reads this. */
function pathInShort(path: readonly PathPart[]): { process: string; phase: string; ms: number }[] {
  const runs: PathPart[][] = [];
  for (const part of path) {
    const last = runs.at(-1);
    if (last?.[0]?.process === part.process) last.push(part);
    else runs.push([part]);
  }
  return runs.flatMap((run) => sumsOf(run)).filter(({ ms }) => ms >= shownFromMs);
}

function culpritText({ summary: { culprits, medianMs } }: ReadProfile): string[] {
  const [first, ...others] = culprits;
  if (!first) return [];
  const phase = culprits.filter((one) => one.phase === first.phase);
  const phaseShare = phase.reduce((sum, { share }) => sum + share, 0);
  const together = phase.length > 1 ? ` (${first.phase} of anybody: ${formatShare(phaseShare)})` : "";
  const next = others
    .slice(0, 2)
    .filter(({ share }) => share >= 0.05)
    .map(({ process, phase, share }) => `${process} ${phase} (${formatShare(share)})`);
  return [
    `culprit: ${first.process} ${first.phase}: ${formatShare(first.share)} of all steps' time, ${formatMs(first.meanMs)} a step of ${formatMs(medianMs)}, on the critical path of ${formatShare(first.stepsShare)} of the steps${together}${
      next.length > 0 ? `; then ${next.join(" and ")}` : ""
    }`,
  ];
}

function slowText(read: ReadProfile): string[] {
  const { slow, steps } = read.summary;
  if (slow.length === 0) return [];
  const rows = slow
    .slice(0, mostSlow)
    .map((one): Cell[] => [String(one.step), formatMs(one.ms), lateText(one, read)]);
  const more = slow.length > mostSlow ? `, the slowest ${mostSlow} of them` : "";
  return [
    `${slow.length} of ${steps.length} steps took more than 1.5 times the median${more}:\n${formatTable(["step", "time", "late"], rows)}`,
  ];
}

function lateText(
  { step, process, phase, partMs, usualMs, gone }: SlowStep,
  { evaluated }: ReadProfile,
): string {
  const why = evaluated.has(step) ? "; this step evaluated too" : "";
  const left = gone.length > 0 ? `; ${gone.join(", ")} did nothing in this step` : "";
  return `${process} ${phase} ${formatMs(partMs)} (usually ${formatMs(usualMs)})${why}${left}`;
}

function clockText({ run: { tracks } }: ReadProfile): string[] {
  const lines = tracks.flatMap(({ name, host, clockErrorMs, lost }) => [
    ...(clockErrorMs > 0
      ? [`the clock of ${name} (${host}) is known to ± ${formatMs(clockErrorMs)}: shorter waits mean nothing`]
      : []),
    ...(lost > 0 ? [`${name} had no room for ${lost} spans`] : []),
  ]);
  return lines.length > 0 ? [lines.join("\n")] : [];
}

function formatMs(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}
