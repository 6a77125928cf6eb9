import { formatLoss, formatShare } from "../show/numbers.ts";

/** What a head does on rows that were not trained on, of those that have their label. */
export type HeadFigures =
  /** Share of right answers. */
  | { readonly accuracy: number }
  /**
   * F1 over all labels of all rows together, each predicted where its logit is above 0, and the mean over labels of the
   * average precision; null where no label is there at all.
   */
  | { readonly f1: number | null; readonly averagePrecision: number | null }
  /** Mean squared difference per target. */
  | { readonly squaredError: number }
  /** Of one that learns a variance too: the root of that, and −log of the density, in nats per target. */
  | { readonly rmse: number; readonly negativeLogLikelihood: number };

/** One of them, by itself. */
export interface HeadFigure {
  /** Behind the head's name. */
  readonly title: string;
  readonly key: string;
  readonly higherIsBetter: boolean;
  /** Whether a gain can be told as a share of it: not of a logarithm, which may be 0 or below. */
  readonly isRatio: boolean;
  readonly value: number;
  readonly text: string;
}

/** All of a head, those that cannot be told left out. */
export function listFigures(figures: HeadFigures): readonly HeadFigure[] {
  if ("accuracy" in figures) return [share("accuracy", "accuracy", figures.accuracy)];
  if ("f1" in figures)
    return [
      ...(figures.f1 === null ? [] : [share("F1", "f1", figures.f1)]),
      ...(figures.averagePrecision === null
        ? []
        : [share("mean average precision", "averagePrecision", figures.averagePrecision)]),
    ];
  if ("squaredError" in figures) return [error("error", "squaredError", figures.squaredError)];
  return [
    error("RMSE", "rmse", figures.rmse),
    { ...error("NLL, nats", "negativeLogLikelihood", figures.negativeLogLikelihood), isRatio: false },
  ];
}

function share(title: string, key: string, value: number): HeadFigure {
  return { title, key, higherIsBetter: true, isRatio: true, value, text: formatShare(value) };
}

function error(title: string, key: string, value: number): HeadFigure {
  return { title, key, higherIsBetter: false, isRatio: true, value, text: formatLoss(value) };
}
