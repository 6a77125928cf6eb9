import type { RunEvent, WorkerSnapshot } from "@latentweave/telemetry";
import pc from "picocolors";
import { byLoss, meanLoss } from "./many-tasks.ts";
import {
  formatClock,
  formatCount,
  formatDuration,
  formatLoss,
  formatRate,
  formatShare,
  formatSize,
} from "./numbers.ts";
import type { ProgressState } from "./progress-state.ts";
import { formatTable } from "./table.ts";

const eventsShown = 4;
const workersShown = 16;
const tasksShown = 12;
const leasesShown = 4;
const widestBar = 40;

/** The lines that a terminal shows of a run; pure, so that tests can look at them. */
export function liveBlock(
  state: ProgressState,
  place: { readonly columns: number; readonly url: string },
): string[] {
  const { snapshot } = state;
  if (!snapshot) return [pc.dim("starting the coordinator, the parameter server and the workers ...")];
  return [
    headline(state, place.url),
    progressLine(state, place.columns),
    ...taskLines(state),
    ...workerLines(snapshot.workers),
    ...state.events.slice(-eventsShown).map(eventLine),
  ];
}

function headline({ snapshot }: ProgressState, url: string): string {
  const phase = snapshot?.phase ? ` ${pc.dim(snapshot.phase)}` : "";
  const parameters = snapshot ? pc.dim(`${formatCount(snapshot.parameters)} parameters`) : "";
  return `${pc.bold(snapshot?.runId ?? "")} ${stateWord(snapshot?.state ?? "starting")}${phase}  ${parameters}  ${pc.cyan(url)}`;
}

function stateWord(state: string): string {
  if (state === "running" || state === "finished") return pc.green(state);
  return state === "failed" ? pc.red(state) : pc.yellow(state);
}

function progressLine({ step, totalSteps, samplesPerSecond, etaMs }: ProgressState, columns: number): string {
  const share = totalSteps > 0 ? Math.min(1, step / totalSteps) : 0;
  const figures = [
    `${formatCount(step)}/${formatCount(totalSteps)}`,
    `${Math.floor(share * 100)} %`,
    ...(samplesPerSecond > 0 ? [`${formatRate(samplesPerSecond)} samples/s`] : []),
    ...(etaMs !== null && step < totalSteps ? [`${formatDuration(etaMs)} left`] : []),
  ].join("  ");
  return `${bar(share, Math.max(10, Math.min(widestBar, columns - figures.length - 3)))}  ${figures}`;
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(share: number, width: number): string {
  const filled = share * width;
  const whole = Math.floor(filled);
  const part = whole < width ? (eighths[Math.floor((filled - whole) * 8)] ?? "") : "";
  return `${pc.green("█".repeat(whole) + part)}${pc.dim("░".repeat(width - whole - (part === "" ? 0 : 1)))}`;
}

function taskLines({ loss, evaluation, snapshot }: ProgressState): string[] {
  const isPaused = (name: string): boolean =>
    snapshot?.tasks.some(({ task, paused }) => task === name && paused !== undefined) === true;
  const losses = byLoss(loss);
  const isMany = losses.length > tasksShown;
  // Of many tasks those that do worst, and before them whoever is paused; else all, in their order.
  const shown = isMany
    ? [...losses].sort((a, b) => Number(isPaused(b.task)) - Number(isPaused(a.task))).slice(0, tasksShown)
    : Object.entries(loss).map(([task, value]) => ({ task, value }));
  if (shown.length === 0) return [];
  const rows = shown.map(({ task, value }) => [
    isPaused(task) ? pc.yellow(`${task} (paused)`) : pc.bold(task),
    formatLoss(value),
    evaluationText(evaluation[task]),
  ]);
  const hidden = losses.length - shown.length;
  return [
    ...formatTable(["task", "loss", "last evaluation"], rows).split("\n").map(dimFirst),
    ...(hidden > 0
      ? [
          pc.dim(
            `and ${hidden} more tasks, their losses lower; the mean of all is ${formatLoss(meanLoss(losses))}`,
          ),
        ]
      : []),
  ];
}

function leasesText(leases: WorkerSnapshot["leases"]): string {
  if (leases.length <= leasesShown)
    return leases.map(({ task, start, end }) => `${task} ${start}–${end}`).join(", ");
  const slots = leases.reduce((sum, { start, end }) => sum + end - start, 0);
  return `${slots} of ${new Set(leases.map(({ task }) => task)).size} tasks`;
}

/** Accuracies as shares, errors as they are; the losses that training shows already are left out where metrics exist. */
export function evaluationText(values: Readonly<Record<string, number>> | undefined): string {
  if (!values) return "";
  return Object.entries(values)
    .filter(([name]) => name.includes(".") || name === "loss")
    .map(([name, value]) =>
      name.endsWith(".accuracy") || name.endsWith(".f1")
        ? `${name.replace(/\.accuracy$/, "").replace(/\.f1$/, " F1")} ${formatShare(value)}`
        : `${name.replace(/\.squaredError$/, " error")} ${formatLoss(value)}`,
    )
    .join("  ");
}

function workerLines(workers: readonly WorkerSnapshot[]): string[] {
  if (workers.length === 0) return [];
  const rows = workers
    .slice(0, workersShown)
    .map((worker) => [
      worker.workerId,
      worker.state === "active" ? worker.state : pc.yellow(worker.state),
      worker.pid,
      worker.backend,
      leasesText(worker.leases),
      worker.samplesPerSecond > 0 ? formatRate(worker.samplesPerSecond) : "",
      worker.residentBytes > 0 ? formatSize(worker.residentBytes) : "",
    ]);
  const lines = formatTable(
    ["worker", "state", "pid", "backend", "slots", "samples/s", "memory"],
    rows,
  ).split("\n");
  const hidden = workers.length - workersShown;
  return [...lines.map(dimFirst), ...(hidden > 0 ? [pc.dim(`and ${hidden} more workers`)] : [])];
}

function dimFirst(line: string, index: number): string {
  return index === 0 ? pc.dim(line) : line;
}

/** One event, with the local time of day. */
export function eventLine({ atMs, level, text }: RunEvent): string {
  const line = `${pc.dim(formatClock(atMs))} ${text}`;
  if (level === "info") return line;
  return level === "error" ? pc.red(line) : pc.yellow(line);
}
