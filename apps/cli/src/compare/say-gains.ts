import type { Estimate } from "@latentweave/relatedness";
import { formatLoss, formatShare } from "../show/numbers.ts";
import type { ComparedFigure, Comparison, FigureSummary, Gains } from "./compare-sides.ts";

/** 0.0312 → "+3.1 %"; digits as the size of what is not chance has them. */
export function gainText(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const percent = share * 100;
  const digits = Math.abs(percent) >= 100 ? 0 : Math.abs(percent) >= 10 ? 1 : 2;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(digits)} %`;
}

export function intervalText({ interval }: Estimate): string {
  return interval === null ? "–" : `${gainText(interval[0])} to ${gainText(interval[1])}`;
}

/** What can be said of a gain: the sign of its interval. */
export function verdictOf({ mean, interval }: Estimate): string {
  if (!Number.isFinite(mean)) return "not defined: the baseline is 0";
  if (interval === null) return "one seed: may be chance";
  if (interval[0] > 0) return "better";
  return interval[1] < 0 ? "worse" : "no more than chance";
}

export function figureText(kind: ComparedFigure["kind"], { mean, standardDeviation }: FigureSummary): string {
  if (kind === "share")
    return standardDeviation === null
      ? formatShare(mean)
      : `${(mean * 100).toFixed(2)} ± ${(standardDeviation * 100).toFixed(2)} %`;
  return standardDeviation === null ? formatLoss(mean) : withSpread(mean, standardDeviation);
}

/** The spread with two digits, the mean down to the same place. */
function withSpread(mean: number, spread: number): string {
  const places = spread > 0 ? 1 - Math.floor(Math.log10(spread)) : 0;
  if (spread === 0 || places > 9 || places < 0) return `${formatLoss(mean)} ± ${formatLoss(spread)}`;
  return `${mean.toFixed(places)} ± ${spread.toFixed(places)}`;
}

/** The comparison in sentences: Δm of each side, and who is harmed. */
export function sentencesOf({ gains, confidence }: Comparison): string[] {
  return gains.map((one) => {
    const { mean } = one;
    const where =
      mean.interval === null
        ? `one seed, so nobody can say whether that is more than chance`
        : `${confidence * 100} % interval ${intervalText(mean)} over ${mean.n} seeds: ${verdictOf(mean)}`;
    return `${one.side} beside ${one.baseline}: Δm ${gainText(mean.mean)} (${where})${harmText(one)}`;
  });
}

/** Under which circumstances the bits of every run come again, where all have the same; differences are a warning. */
export function classSentence({ sides }: Comparison): string[] {
  const classes = [...new Set(sides.flatMap(({ determinismClasses }) => determinismClasses))];
  return classes.length === 1 && classes[0] !== ""
    ? [`Determinism class of every run: ${classes[0] ?? ""}.`]
    : [];
}

function harmText({ negativeTransferRate, tasks }: Gains): string {
  if (negativeTransferRate === null) return "";
  const harmed = Object.entries(tasks).filter(([, { interval }]) => interval !== null && interval[1] < 0);
  if (harmed.length === 0) return "; no task is harmed beyond what seeds do";
  return `; harmed: ${harmed.map(([task]) => task).join(", ")} (${formatShare(negativeTransferRate)} of tasks)`;
}
