import {
  type HeadTerm,
  isHeadTerm,
  type LossTerm,
  type MicroBatch,
  partlyLabelled,
  type TaskGraph,
} from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { rows } from "./latent-losses.ts";

/**
 * What a term compares with, if not with the clean input, row by row: one-hot labels [batch, classes], all 0 where the
 * label is missing; or the numbers of the column, and where some may be missing (their place then holds 0) behind those
 * of a row as many that say which are there.
 * @throws RangeError for a label that is none of the head's
 */
export function targetValues(term: LossTerm, batch: MicroBatch): Float32Array | undefined {
  if (!isHeadTerm(term)) return undefined;
  const column = columnOf(term, batch);
  const isPartial = term.labelled !== undefined;
  if (term.kind === "classification") return oneHot(column, term.classes, term.name, isPartial);
  if (term.kind === "multiLabel") checkLabels(column, term.name, isPartial);
  return isPartial ? withPresence(column, column.length / batch.samples) : Float32Array.from(column);
}

/** A tensor of `targetValues`, or of the input where there are none: [batch, numbers]. */
export function targetTensor(tf: Tf, x: Tensor, values: Float32Array | undefined): Tensor {
  const [batch] = x.shape as [number, ...number[]];
  return values ? tf.tensor2d(values, [batch, values.length / batch]) : rows(tf, x);
}

/** How many samples have a label, of each head some of whose are missing; of several targets, parts of a sample. */
export function labelCounts(graph: TaskGraph, batch: MicroBatch): readonly number[] {
  return partlyLabelled(graph).map((term) => {
    const column = columnOf(term, batch);
    const isThere = term.kind === "classification" ? (label: number) => label >= 0 : isKnown;
    let there = 0;
    for (const value of column) if (isThere(value)) there += 1;
    return (there * batch.samples) / column.length;
  });
}

function columnOf({ column }: HeadTerm, { columns, task }: MicroBatch): Int32Array | Float32Array {
  const values = columns[column];
  if (!values) throw new Error(`task "${task}": the micro-batch lacks column "${column}"`);
  return values;
}

function isKnown(value: number): boolean {
  return !Number.isNaN(value);
}

function oneHot(labels: ArrayLike<number>, classes: number, name: string, isPartial: boolean): Float32Array {
  const values = new Float32Array(labels.length * classes);
  for (let sample = 0; sample < labels.length; sample += 1) {
    const label = labels[sample] ?? -1;
    if (isPartial && label === -1) continue;
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new RangeError(`"${name}": label ${label} is none of the ${classes} classes 0 to ${classes - 1}`);
    values[sample * classes + label] = 1;
  }
  return values;
}

function checkLabels(values: Int32Array | Float32Array, name: string, isPartial: boolean): void {
  for (const value of values)
    if (value !== 0 && value !== 1 && !(isPartial && Number.isNaN(value)))
      throw new RangeError(
        `"${name}": ${value} says neither that a label is there (1) nor that it is not (0)`,
      );
}

function withPresence(column: ArrayLike<number>, numbers: number): Float32Array {
  const values = new Float32Array(2 * column.length);
  for (let at = 0; at < column.length; at += 1) {
    const value = column[at] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    const place = Math.floor(at / numbers) * 2 * numbers + (at % numbers);
    values[place] = value;
    values[place + numbers] = 1;
  }
  return values;
}
