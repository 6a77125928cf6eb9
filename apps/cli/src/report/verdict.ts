import { formatCount } from "../show/numbers.ts";
import type { RunFigures, TaskReport } from "./make-report.ts";

/** Twice the standard error covers 95 % of what chance does to a share of right answers. */
const chanceDeviations = 2;

/** PCA that keeps more of the variance than this gives samples back whole, but for rounding. */
const exactShare = 1 - 1e-9;

/** What a task's figures say, in sentences: each comparison, whoever comes off better. */
export function verdictsOf(task: TaskReport): string[] {
  const { together, alone, baselines } = task;
  const sentences: string[] = [];
  const pca = baselines?.pca;
  if (pca && pca.explained > exactShare)
    sentences.push("PCA with as many components loses nothing: the latent is no bottleneck here");
  else if (pca && together.reconstructionError !== null)
    sentences.push(
      `error ${comparedError(together.reconstructionError, pca.error)} that of PCA with as many components`,
    );
  for (const [head, figures] of Object.entries(together.heads))
    if (baselines?.linear && "accuracy" in figures)
      sentences.push(
        `${head} ${comparedAccuracy(figures.accuracy, baselines.linear.accuracy, "the linear classifier", task.samples)}`,
      );
  if (task.branched) sentences.push(besideSharing(task, task.branched));
  // The first is the branch itself.
  for (const other of task.branched ? alone.slice(1) : alone) sentences.push(...besideAlone(task, other));
  return sentences.map((sentence) => `${task.task}: ${sentence}`);
}

/** Whether the reconstruction is better than PCA's; undefined where the two were not measured. */
export function beatsPca({ together, baselines }: TaskReport): boolean | undefined {
  const pca = baselines?.pca;
  return pca && together.reconstructionError !== null ? together.reconstructionError < pca.error : undefined;
}

function besideAlone({ together, samples }: TaskReport, alone: RunFigures): string[] {
  const sentences: string[] = [];
  if (together.reconstructionError !== null && alone.reconstructionError !== null)
    sentences.push(
      `trained together, error ${comparedError(together.reconstructionError, alone.reconstructionError)} that of training alone`,
    );
  for (const [head, figures] of Object.entries(together.heads)) {
    const other = alone.heads[head];
    if ("accuracy" in figures && other && "accuracy" in other)
      sentences.push(
        `trained together, ${head} ${comparedAccuracy(figures.accuracy, other.accuracy, "training alone", samples)}`,
      );
  }
  return sentences;
}

/** Where the guard has moved a task to its own branch. */
function besideSharing(
  { together }: TaskReport,
  { at, shared }: NonNullable<TaskReport["branched"]>,
): string {
  const [own, other] = [together.reconstructionError, shared.reconstructionError];
  const error =
    own === null || other === null ? "" : `, where its error is ${comparedError(own, other)} that of sharing`;
  return `in a branch of its own since step ${formatCount(at)}${error}`;
}

function comparedError(own: number, other: number): string {
  const share = (100 * (own - other)) / other;
  if (Math.abs(share) < 0.05) return "equal to";
  return `${Math.abs(share).toFixed(1)} % ${share < 0 ? "below" : "above"}`;
}

function comparedAccuracy(own: number, other: number, name: string, samples: number): string {
  const points = 100 * (own - other);
  const spread = Math.sqrt((own * (1 - own) + other * (1 - other)) / samples);
  const isChance = Math.abs(own - other) < chanceDeviations * spread;
  const size = `${Math.abs(points).toFixed(1)} points ${points < 0 ? "below" : "above"} ${name}`;
  return isChance ? `${size} (no more than chance does on ${formatCount(samples)} samples)` : size;
}
