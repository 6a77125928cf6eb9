import type { CommitPoint } from "@latentweave/telemetry";

/** Columns for the charts: one x per commit, a value or null for each series. */
export type Column = (number | null)[];

export interface LossCurves {
  readonly steps: number[];
  /** By task, in the order asked for. */
  readonly training: readonly Column[];
  readonly smoothed: readonly Column[];
  readonly evaluation: readonly Column[];
}

export function lossCurves(points: readonly CommitPoint[], tasks: readonly string[]): LossCurves {
  const training = tasks.map((task) => points.map((point) => finite(point.loss[task])));
  const evaluation = tasks.map((task) => points.map((point) => finite(point.evaluation[task]?.loss)));
  return { steps: points.map((point) => point.step), training, smoothed: training.map(smooth), evaluation };
}

export function speedCurve(points: readonly CommitPoint[]): {
  readonly steps: number[];
  readonly speed: Column;
} {
  const trained = points.filter((point) => point.samplesPerSecond > 0);
  return {
    steps: trained.map((point) => point.step),
    speed: smooth(trained.map((point) => point.samplesPerSecond)),
  };
}

/** A change in the number of workers, at the first step that it was seen. */
export interface MembershipChange {
  readonly step: number;
  readonly from: number;
  readonly to: number;
}

export function membershipChanges(points: readonly CommitPoint[]): readonly MembershipChange[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before && before.workers !== point.workers
      ? [{ step: point.step, from: before.workers, to: point.workers }]
      : [];
  });
}

/** About this many independent values are left of a curve: enough to see its shape, few enough to be calm. */
const smoothedValues = 60;
const widestSpan = 25;

/** Exponential average, started without bias. Gaps stay gaps. */
export function smooth(values: Column): Column {
  const span = Math.min(widestSpan, Math.max(1, values.length / smoothedValues));
  const newest = 2 / (span + 1);
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum += newest * (value - sum);
    weight += newest * (1 - weight);
    return sum / weight;
  });
}

function finite(value: number | null | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
