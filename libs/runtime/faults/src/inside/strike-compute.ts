import type { Compute, MicroBatch, MicroBatchResult } from "@latentweave/model";
import type { FaultFolder } from "../journal/fault-folder.ts";
import { steadyWallMs, writeComputed, writeJournal } from "../journal/journal.ts";
import { keyedRandom } from "../draw/keyed-random.ts";
import { type Fault, gradientKinds } from "../plan/fault.ts";
import type { FaultSetting, NumberedFault } from "./setting.ts";

/** A device that now and then gives another answer than it should. */
export function strikeCompute(
  compute: Compute,
  { process: name, faults }: FaultSetting,
  folder: FaultFolder,
): Compute {
  const own = faults.filter(({ fault }) => (gradientKinds as readonly string[]).includes(fault.do));
  const note = (line: { kind: "struck" | "again"; fault: number; step: number }): void => {
    const { kind, fault, step } = line;
    const atMs = steadyWallMs();
    writeJournal(
      folder.journal,
      kind === "again"
        ? { kind, fault, atMs, step }
        : { kind, fault, atMs, step, process: name, pid: process.pid, moment: null },
    );
  };

  const strike = ({ number, fault }: NumberedFault, batch: MicroBatch, result: MicroBatchResult): void => {
    if (!isDue(number, fault, batch)) return;
    const isFirst = folder.claim(number, name);
    if (!isFirst && !(fault.do === "wrong-answers" && folder.claimant(number) === name)) return;
    note({ kind: isFirst ? "struck" : "again", fault: number, step: batch.step });
    spoil(number, fault, batch, result);
  };

  return {
    determinismClass: compute.determinismClass,
    load: (model) => compute.load(model),
    setParameters: (slices) => compute.setParameters(slices),
    ...(compute.mapWeights && { mapWeights: compute.mapWeights.bind(compute) }),
    reuse: (gradients) => compute.reuse?.(gradients),
    infer: (request) => compute.infer(request),
    close: () => compute.close(),
    async run(batch) {
      const { step, round, task, slot } = batch;
      writeComputed(folder.computed(name), { atMs: steadyWallMs(), worker: name, step, round, task, slot });
      const result = await compute.run(batch);
      if (result.gradients.length > 0) for (const entry of own) strike(entry, batch, result);
      return result;
    },
  };
}

/** The fields of a float32: one sign, eight of exponent, 23 of fraction. Half-way down the fraction: small, and wrong. */
const wrongBit = 12;

function isDue(number: number, fault: Fault, { step, round, task, slot }: MicroBatch): boolean {
  if (step < fault.at.step) return false;
  if (fault.do !== "wrong-answers") return true;
  return (
    step < fault.at.step + fault.forSteps &&
    keyedRandom(number)("wrong", step, round, task, slot) < fault.probability
  );
}

function spoil(number: number, fault: Fault, batch: MicroBatch, result: MicroBatchResult): void {
  const group = result.gradients[0] as Float32Array;
  const place = nonZeroFrom(
    group,
    Math.floor(keyedRandom(number)("place", batch.step, batch.slot) * group.length),
  );
  if (fault.do === "nan-gradient") group[place] = Number.NaN;
  else if (fault.do === "inf-gradient") group[place] = Number.POSITIVE_INFINITY;
  else {
    const words = new Uint32Array(group.buffer, group.byteOffset, group.length);
    const bit = fault.do === "flip-gradient-bit" ? fault.bit : wrongBit;
    words[place] = (words[place] ?? 0) ^ (1 << bit);
  }
}

/** A zero with a bit flipped may be lost as a denormal; a number that counts is the better victim. */
function nonZeroFrom(values: Float32Array, start: number): number {
  const later = values.subarray(start).findIndex((value) => value !== 0);
  if (later >= 0) return start + later;
  return Math.max(
    0,
    values.findIndex((value) => value !== 0),
  );
}
