import { meanOf, varianceOf } from "@latentweave/relatedness";
import { listFigures } from "../report/head-figures.ts";
import type { Measured } from "../report/measure-model.ts";
import { formatShare, signedShare } from "../show/numbers.ts";
import { formatTable } from "../show/table.ts";
import type { TransferredRun } from "./run-transfer.ts";
import type { TransferMethod } from "./transfer-plan.ts";

/** One way of teaching a task with so many rows, over its seeds. */
export interface TransferRow {
  readonly metric: string;
  readonly higherIsBetter: boolean;
  readonly shots: number | null;
  readonly method: TransferMethod;
  readonly values: readonly number[];
  readonly mean: number;
  /** Of the values; null with one seed. */
  readonly standardDeviation: number | null;
  /** How much better than from scratch with the same rows, as a share of that; null where that was not run. */
  readonly gain: number | null;
  /** The mean beside that from scratch with all rows (inverted where less is better); null where that was not run. */
  readonly ofFull: number | null;
}

/** Every metric of the task, rows in the order in which the runs were made. */
export function transferRows(runs: readonly TransferredRun[]): readonly TransferRow[] {
  const metrics = runs[0] ? metricsOf(runs[0].measured) : [];
  return metrics.flatMap(({ metric, higherIsBetter }) => {
    const groups = new Map<string, TransferredRun[]>();
    for (const run of runs) {
      const key = keyOf(run.method, run.shots);
      groups.set(key, [...(groups.get(key) ?? []), run]);
    }
    const valuesOf = (all: readonly TransferredRun[] | undefined): number[] =>
      (all ?? []).map(
        ({ measured }) => metricsOf(measured).find((one) => one.metric === metric)?.value ?? NaN,
      );
    const reached = (method: TransferMethod, shots: number | undefined): number | undefined => {
      const values = valuesOf(groups.get(keyOf(method, shots)));
      return values.length === 0 ? undefined : meanOf(values);
    };
    const full = reached("scratch", undefined);
    return [...groups.values()].map((group): TransferRow => {
      const [{ method, shots } = { method: "scratch" as const, shots: undefined }] = group;
      const values = valuesOf(group);
      const mean = meanOf(values);
      const scratch = method === "scratch" ? undefined : reached("scratch", shots);
      return {
        ...{ metric, higherIsBetter, shots: shots ?? null, method, values, mean },
        standardDeviation: values.length < 2 ? null : Math.sqrt(varianceOf(values)),
        gain: scratch === undefined ? null : ((higherIsBetter ? 1 : -1) * (mean - scratch)) / scratch,
        ofFull: full === undefined ? null : higherIsBetter ? mean / full : full / mean,
      };
    });
  });
}

export function transferText(rows: readonly TransferRow[]): string {
  const metrics = [...new Set(rows.map(({ metric }) => metric))];
  return metrics
    .map((metric) => {
      const own = rows.filter((row) => row.metric === metric);
      const header = [
        `${metric} (${own[0]?.higherIsBetter === true ? "more" : "less"} is better)`,
        ...["rows", "mean", "± sd", "seeds", "beside scratch", "of full data"],
      ];
      return formatTable(
        header,
        own.map(({ method, shots, mean, standardDeviation, values, gain, ofFull }) => [
          method,
          shots ?? "all",
          figure(mean),
          standardDeviation === null ? null : figure(standardDeviation, mean),
          values.length,
          gain === null ? null : signedShare(gain),
          ofFull === null ? null : formatShare(ofFull),
        ]),
      );
    })
    .join("\n\n");
}

interface Metric {
  readonly metric: string;
  readonly higherIsBetter: boolean;
  readonly value: number;
}

function metricsOf({ heads, reconstructionError }: Measured): Metric[] {
  return [
    ...Object.entries(heads).flatMap(([name, figures]) =>
      listFigures(figures)
        .filter(({ isRatio }) => isRatio)
        .map(({ key, higherIsBetter, value }) => ({ metric: `${name}.${key}`, higherIsBetter, value })),
    ),
    ...(reconstructionError === null
      ? []
      : [{ metric: "reconstruction error", higherIsBetter: false, value: reconstructionError }]),
  ];
}

const keyOf = (method: TransferMethod, shots: number | undefined): string => `${method} ${shots ?? "all"}`;

/** @param beside a figure with as many decimals, which both then have in common */
function figure(value: number, beside = value): string {
  const decimals = Math.abs(beside) >= 0.1 ? 4 : 2 - Math.floor(Math.log10(Math.abs(beside) || 1));
  return value.toFixed(Math.min(12, decimals));
}
