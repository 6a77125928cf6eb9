import type { DataSource } from "@latentweave/job";
import { UserError, type FittedScale } from "@latentweave/protocol";
import { denseValues, type LoadedSource } from "./loaded-source.ts";

/**
 * Fits the scaling on the training rows alone. Tables are scaled column by column, everything of more dimensions by
 * one pair of numbers for all; 0/1 numbers of categories and constant columns are left as they are but for the offset.
 * Float64 sums in row order, so the same data give the same bits everywhere.
 * @param rows the training rows, as row numbers of `source.train`
 */
export function fitScale(kind: DataSource["scale"], source: LoadedSource, rows: Uint32Array): FittedScale {
  const isBytes = source.x.dtype === "uint8";
  const chosen = kind ?? (isBytes ? "unit" : "none");
  if (chosen === "none") return { kind: chosen, offset: [0], divisor: [1] };
  if (chosen === "unit") {
    if (!isBytes) {
      throw new UserError({
        what: 'scale "unit" divides bytes by 255, and these data are no bytes',
        where: "the task's data",
        mend: 'use scale: "minmax" or "standard"',
      });
    }
    return { kind: chosen, offset: [0], divisor: [255] };
  }
  const x = denseValues(source.train.x);
  const { width } = source.x;
  const columns = source.x.shape.length === 1 ? width : 1;
  const fitted =
    chosen === "minmax" ? fitMinMax(x, width, columns, rows) : fitStandard(x, width, columns, rows);
  return {
    kind: chosen,
    offset: fitted.map(({ offset }, column) => (source.categorical?.[column] ? 0 : offset)),
    divisor: fitted.map(({ divisor }, column) =>
      source.categorical?.[column] || divisor === 0 ? 1 : divisor,
    ),
  };
}

type Values = Uint8Array | Float32Array;
type Fitted = { readonly offset: number; readonly divisor: number }[];

function fitMinMax(x: Values, width: number, columns: number, rows: Uint32Array): Fitted {
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  eachValue(x, width, columns, rows, (value, column) => {
    low[column] = Math.min(low[column] as number, value);
    high[column] = Math.max(high[column] as number, value);
  });
  return Array.from(low, (offset, column) => ({ offset, divisor: (high[column] as number) - offset }));
}

/** Mean and population standard deviation, in two passes. */
function fitStandard(x: Values, width: number, columns: number, rows: Uint32Array): Fitted {
  const count = (rows.length * width) / columns;
  const sums = new Float64Array(columns);
  eachValue(x, width, columns, rows, (value, column) => void ((sums[column] as number) += value));
  const means = sums.map((sum) => sum / count);
  const squares = new Float64Array(columns);
  eachValue(x, width, columns, rows, (value, column) => {
    const distance = value - (means[column] as number);
    (squares[column] as number) += distance * distance;
  });
  return Array.from(means, (offset, column) => ({
    offset,
    divisor: Math.sqrt((squares[column] as number) / count),
  }));
}

function eachValue(
  x: Values,
  width: number,
  columns: number,
  rows: Uint32Array,
  visit: (value: number, column: number) => void,
): void {
  for (const row of rows) {
    for (let index = 0; index < width; index++)
      visit(x[row * width + index] as number, columns === 1 ? 0 : index);
  }
}
