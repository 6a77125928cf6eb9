import type { DataSource } from "@latentweave/job";
import { UserError, type PreparedTarget } from "@latentweave/protocol";
import type { ArrayData } from "../formats/array-data.ts";
import { declaredClasses, type TargetOptions } from "../formats/target-reader.ts";
import { requireFinite } from "./require-finite.ts";

/** An array, and what to call it in messages. */
export interface NamedArray {
  readonly array: ArrayData;
  readonly where: string;
}

type Missing = TargetOptions["unlabelled"];

/** Targets of the training rows and, where there are any, of the test rows; missing ones are -1 or NaN. */
export interface RawTargets {
  readonly target: PreparedTarget;
  readonly values: readonly (Int32Array | Float32Array)[];
}

/** Of the kind that the job's data name, else of this one. */
export function targetsOf(
  arrays: readonly NamedArray[],
  source: Pick<DataSource, "targetKind" | "classes" | "unlabelled">,
  usual: "class" | "number",
): RawTargets {
  switch (source.targetKind ?? usual) {
    case "class":
      return classTargets(arrays, source);
    case "labels":
      return labelTargets(arrays, source.unlabelled);
    case "number":
      return numberTargets(arrays, source.unlabelled);
  }
}

/**
 * Whole numbers become 0, 1, ... in order of value, or stay what they are where the classes are declared; the training
 * and the test rows share the numbering.
 */
export function classTargets(
  arrays: readonly NamedArray[],
  { unlabelled, classes }: TargetOptions = {},
): RawTargets {
  const declared = declaredClasses(classes);
  const distinct = new Set<number>();
  for (const { array, where } of arrays) {
    const perRow = array.values.data.length / (array.shape[0] as number);
    if (perRow !== 1) {
      throw new UserError({
        what: `has ${perRow} numbers for each sample`,
        where,
        expected: "one class label for each",
        mend: 'save the labels as whole numbers (argmax of one-hot rows), or set targetKind: "number"; "labels" where each says with 0 and 1 whether its label is there',
      });
    }
    array.values.data.forEach((label, row) => {
      if (isMissing(label, unlabelled)) return;
      const place = `${where}, row ${row} (counted from 0)`;
      if (!Number.isInteger(label)) {
        throw new UserError({
          what: `holds ${label}`,
          where: place,
          expected: "whole numbers as class labels",
          mend: Number.isNaN(label)
            ? "set unlabelled: true, if such rows have no label"
            : 'mend the label, or set targetKind: "number"',
        });
      }
      if (declared && !(label >= 0 && label < declared.length)) {
        throw new UserError({
          what: `the label ${label} is none of the ${declared.length} classes`,
          where: place,
          expected: `0 to ${declared.length - 1}`,
          mend: `mend the label, or the data's classes; if ${label} says that there is no label, set unlabelled: ${label}`,
        });
      }
      distinct.add(label);
    });
  }
  const ordered = declared ? declared.map((_, label) => label) : [...distinct].sort((a, b) => a - b);
  if (ordered.length === 0) throw noLabel(arrays);
  const place = new Map(ordered.map((label, index) => [label, index]));
  const names = declared ? [...declared] : ordered.map(String);
  return {
    target: { kind: "class", dtype: "int32", classes: names.length, names },
    values: arrays.map(({ array }) => Int32Array.from(array.values.data, (label) => place.get(label) ?? -1)),
  };
}

/** Numbers as they are, [rows, width]. */
export function numberTargets(arrays: readonly NamedArray[], unlabelled?: Missing): RawTargets {
  const width = widthOf(arrays);
  const values = arrays.map(({ array, where }) => {
    const data = floats(array, unlabelled);
    const there = unlabelled === undefined ? data : data.map((value) => (Number.isNaN(value) ? 0 : value));
    requireFinite(there, width, where);
    return data;
  });
  return { target: { kind: "number", dtype: "float32", width }, values };
}

/** Zeros and ones, [rows, width]: whether each of the labels is there. */
export function labelTargets(arrays: readonly NamedArray[], unlabelled?: Missing): RawTargets {
  const width = widthOf(arrays);
  const values = arrays.map(({ array, where }) => {
    const data = floats(array, unlabelled);
    const odd = data.findIndex(
      (value) => value !== 0 && value !== 1 && !(unlabelled !== undefined && Number.isNaN(value)),
    );
    if (odd >= 0)
      throw new UserError({
        what: `holds ${data[odd]}, which does not say whether a label is there`,
        where: `${where}, row ${Math.floor(odd / width)}, column ${odd % width} (counted from 0)`,
        expected: "1 where it is, 0 where it is not",
        mend: Number.isNaN(data[odd])
          ? "set unlabelled: true, if it is not known"
          : 'mend the value, or set targetKind: "number"',
      });
    return data;
  });
  const names = Array.from({ length: width }, (_, label) => String(label));
  return { target: { kind: "labels", dtype: "float32", width, names }, values };
}

/** Numbers of a row. @throws UserError where they are not as many everywhere */
function widthOf(arrays: readonly NamedArray[]): number {
  const widths = arrays.map(({ array }) => array.values.data.length / (array.shape[0] as number));
  const [width = 1] = widths;
  const odd = widths.findIndex((other) => other !== width || width === 0);
  if (odd >= 0)
    throw new UserError({
      what: `has ${widths[odd]} target numbers for each sample`,
      where: (arrays[odd] as NamedArray).where,
      expected: `${Math.max(1, width)}`,
    });
  return width;
}

/** As float32, with NaN for what is missing. */
function floats({ values: { data } }: ArrayData, unlabelled: Missing): Float32Array {
  if (typeof unlabelled !== "number") return data instanceof Float32Array ? data : Float32Array.from(data);
  return Float32Array.from(data, (value) => (isMissing(value, unlabelled) ? Number.NaN : value));
}

/** In float32, as the array may be: 0.1 there is not the number 0.1. */
function isMissing(value: number, unlabelled: Missing): boolean {
  if (unlabelled === undefined) return false;
  return (
    Number.isNaN(value) || (typeof unlabelled === "number" && Math.fround(unlabelled) === Math.fround(value))
  );
}

function noLabel(arrays: readonly NamedArray[]): UserError {
  return new UserError({
    what: "no row has a label",
    where: arrays[0]?.where ?? "the task's data",
    expected: "a label in some rows",
    mend: "give some, or leave y out",
  });
}
