import path from "node:path";
import { type CommitRecord } from "@latentweave/protocol";
import { listCheckpoints } from "./checkpoint-directory.ts";
import { verifyCheckpoint } from "./checkpoint-reader.ts";
import { compareJobs } from "./compare-jobs.ts";
import { commitsOf } from "./inspect-run.ts";
import { type Manifest } from "./manifest.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";

export interface LedgerDifference {
  readonly step: number;
  /** Such as `tasks[0].metrics.loss`; empty when only one run has the step. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

export interface TensorDifference {
  /** First tensor, in the model's order, whose bits differ. */
  readonly tensor: string;
  /** Position of the first such number in the tensor, row by row; null when a run lacks the tensor or its shape differs. */
  readonly index: number | null;
  readonly a: number | null;
  readonly b: number | null;
  /** How many tensors differ, and by how much at most; NaN where a number is no number in one run only. */
  readonly tensors: number;
  readonly maxAbsDifference: number | null;
}

export interface RunDifference {
  /** Steps that both ledgers hold and that were compared. */
  readonly steps: number;
  /** First difference in what was computed; who computed it (nodes, duplicates) is not compared. */
  readonly ledger: LedgerDifference | null;
  /** Newest version of which both runs have a whole checkpoint; null when there is none. */
  readonly version: number | null;
  readonly hashes: readonly [string, string] | null;
  readonly parameters: TensorDifference | null;
  /** Nothing that was compared differs, and something was compared. */
  readonly same: boolean;
}

/** Where two runs part: in the record of their steps, and in the last parameters that both kept. */
export async function diffRuns(a: string, b: string): Promise<RunDifference> {
  const { steps, ledger } = await diffLedgers(a, b);
  const common = await lastCommonCheckpoint(a, b);
  const parameters = common ? await diffParameters(common) : null;
  return {
    steps,
    ledger,
    version: common?.version ?? null,
    hashes: common ? [common.a.manifest.hash, common.b.manifest.hash] : null,
    parameters,
    same: ledger === null && parameters === null && (steps > 0 || common !== undefined),
  };
}

async function diffLedgers(
  a: string,
  b: string,
): Promise<{ steps: number; ledger: LedgerDifference | null }> {
  const left = commitsOf(a);
  const right = commitsOf(b);
  let steps = 0;
  try {
    for (;;) {
      const [one, other] = [await left.next(), await right.next()];
      if (one.done || other.done) return { steps, ledger: null };
      const [x, y] = [one.value.record, other.value.record];
      const [change] = compareJobs(computed(x), computed(y));
      if (change)
        return { steps, ledger: { step: x.step, path: change.path, a: change.before, b: change.after } };
      steps += 1;
    }
  } finally {
    await left.return(undefined);
    await right.return(undefined);
  }
}

function computed({ step, version, phase, learningRate, gradientNorm, tasks }: CommitRecord): unknown {
  return {
    step,
    version,
    phase,
    learningRate,
    gradientNorm,
    tasks: tasks.map(({ task, round, slots, samples, metrics }) => ({
      task,
      round,
      slots,
      samples,
      metrics,
    })),
  };
}

interface Common {
  readonly version: number;
  readonly a: { readonly directory: string; readonly manifest: Manifest };
  readonly b: { readonly directory: string; readonly manifest: Manifest };
}

async function lastCommonCheckpoint(a: string, b: string): Promise<Common | undefined> {
  const others = new Map(
    (await listCheckpoints(path.join(b, "checkpoints"))).map((one) => [one.version, one]),
  );
  for (const left of await listCheckpoints(path.join(a, "checkpoints"))) {
    const right = others.get(left.version);
    if (!right) continue;
    const [one, other] = [await verifyCheckpoint(left.directory), await verifyCheckpoint(right.directory)];
    if (one.kind === "whole" && other.kind === "whole")
      return {
        version: left.version,
        a: { directory: left.directory, manifest: one.manifest },
        b: { directory: right.directory, manifest: other.manifest },
      };
  }
  return undefined;
}

async function diffParameters({ a, b }: Common): Promise<TensorDifference | null> {
  if (a.manifest.hash === b.manifest.hash) return null;
  const open = ({ directory }: Common["a"]): Promise<SafetensorsFile> =>
    openSafetensors(path.join(directory, "parameters.safetensors"));
  const [left, right] = [await open(a), await open(b)];
  try {
    let first: Omit<TensorDifference, "tensors" | "maxAbsDifference"> | undefined;
    let tensors = 0;
    let maxAbs: number | null = null;
    for (const name of namesInOrder(a.manifest, b.manifest)) {
      const found = await diffTensor(left, right, name);
      if (!found) continue;
      tensors += 1;
      first ??= { tensor: name, index: found.index, a: found.a, b: found.b };
      if (found.maxAbs !== null) maxAbs = maxAbs === null ? found.maxAbs : Math.max(maxAbs, found.maxAbs);
    }
    return first ? { ...first, tensors, maxAbsDifference: maxAbs } : null;
  } finally {
    await left.close();
    await right.close();
  }
}

function namesInOrder(...manifests: readonly Manifest[]): ReadonlySet<string> {
  return new Set(
    manifests.flatMap(({ groups }) => groups.flatMap(({ tensors }) => tensors.map(({ name }) => name))),
  );
}

interface NumberDifference {
  readonly index: number | null;
  readonly a: number | null;
  readonly b: number | null;
  readonly maxAbs: number | null;
}

async function diffTensor(
  left: SafetensorsFile,
  right: SafetensorsFile,
  name: string,
): Promise<NumberDifference | undefined> {
  const x = left.header.tensors.find((tensor) => tensor.name === name);
  const y = right.header.tensors.find((tensor) => tensor.name === name);
  if (!x || !y || x.shape.join() !== y.shape.join()) return { index: null, a: null, b: null, maxAbs: null };
  const [one, other] = [await left.readFloat32(x), await right.readFloat32(y)];
  if (Buffer.from(one.buffer).equals(Buffer.from(other.buffer))) return undefined;
  const bits = [new Uint32Array(one.buffer), new Uint32Array(other.buffer)] as const;
  const index = bits[0].findIndex((value, at) => value !== bits[1][at]);
  let maxAbs = 0;
  for (const [at, value] of one.entries())
    if (bits[0][at] !== bits[1][at]) maxAbs = Math.max(maxAbs, Math.abs(value - (other[at] as number)));
  return { index, a: one[index] as number, b: other[index] as number, maxAbs };
}
