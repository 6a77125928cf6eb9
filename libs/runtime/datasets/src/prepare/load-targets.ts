import { UserError, type PreparedTarget } from "@latentweave/protocol";
import type { ArrayData } from "../formats/array-data.ts";
import { requireFinite } from "./require-finite.ts";

interface NamedArray {
  readonly array: ArrayData;
  readonly where: string;
}

/** Targets of the training rows and, where there are any, of the test rows. */
export interface RawTargets {
  readonly target: PreparedTarget;
  readonly values: readonly (Int32Array | Float32Array)[];
}

/** Whole numbers become 0, 1, ... in order of value; the training and the test rows share the numbering. */
export function classTargets(arrays: readonly NamedArray[]): RawTargets {
  const distinct = new Set<number>();
  for (const { array, where } of arrays) {
    const perRow = array.values.data.length / (array.shape[0] as number);
    if (perRow !== 1) {
      throw new UserError({
        what: `has ${perRow} numbers for each sample`,
        where,
        expected: "one class label for each",
        mend: 'save the labels as whole numbers (argmax of one-hot rows), or set targetKind: "number"',
      });
    }
    array.values.data.forEach((label, row) => {
      if (!Number.isInteger(label)) {
        throw new UserError({
          what: `holds ${label}`,
          where: `${where}, row ${row} (counted from 0)`,
          expected: "whole numbers as class labels",
          mend: 'mend the label, or set targetKind: "number"',
        });
      }
      distinct.add(label);
    });
  }
  const ordered = [...distinct].sort((a, b) => a - b);
  const place = new Map(ordered.map((label, index) => [label, index]));
  return {
    target: { kind: "class", dtype: "int32", classes: ordered.length, names: ordered.map(String) },
    values: arrays.map(({ array }) =>
      Int32Array.from(array.values.data, (label) => place.get(label) as number),
    ),
  };
}

/** Numbers as they are, [rows, width]. */
export function numberTargets(arrays: readonly NamedArray[]): RawTargets {
  const widths = arrays.map(({ array }) => array.values.data.length / (array.shape[0] as number));
  const [width = 1] = widths;
  const values = arrays.map(({ array, where }, index) => {
    if (widths[index] !== width || width === 0) {
      throw new UserError({
        what: `has ${widths[index]} target numbers for each sample`,
        where,
        expected: `${Math.max(1, width)}`,
      });
    }
    const data =
      array.values.data instanceof Float32Array ? array.values.data : Float32Array.from(array.values.data);
    requireFinite(data, width, where);
    return data;
  });
  return { target: { kind: "number", dtype: "float32", width }, values };
}
