import path from "node:path";
import { type CommitRecord } from "@latentweave/protocol";
import { listCheckpoints } from "./checkpoint-directory.ts";
import { verifyCheckpoint } from "./checkpoint-reader.ts";
import { compareJobs } from "./compare-jobs.ts";
import { diffTensors, type ReadTensor, type TensorDifference } from "./diff-tensors.ts";
import { commitsOf, runIdOf } from "./inspect-run.ts";
import { openLedgerIndex } from "./ledger-index.ts";
import { type Manifest } from "./manifest.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";

export interface LedgerDifference {
  readonly step: number;
  /** Such as `tasks[0].metrics.loss`; empty when only one run has the step. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** The first weights that differ, by the digests that both records have. */
export interface WeightsDifference {
  readonly version: number;
  readonly a: string;
  readonly b: string;
}

export interface RunDifference {
  /** Steps that both ledgers hold and that were compared. */
  readonly steps: number;
  /** First difference in what was computed; who computed it (nodes, duplicates) is not compared. */
  readonly ledger: LedgerDifference | null;
  /** Versions whose digests both records have; compared up to the first that differs. */
  readonly versions: number;
  readonly weights: WeightsDifference | null;
  /**
   * Of the checkpoints that both have whole: the first one from where the weights differ on, or else the newest; null
   * when they have none in common.
   */
  readonly version: number | null;
  readonly hashes: readonly [string, string] | null;
  /** In the checkpoints of `version`. */
  readonly parameters: TensorDifference | null;
  /** Nothing that was compared differs, and something was compared. */
  readonly same: boolean;
}

/** Where two runs part: in the record of their steps, in their weights, and in the parameters that both kept. */
export async function diffRuns(a: string, b: string): Promise<RunDifference> {
  const { steps, ledger } = await diffLedgers(a, b);
  const { versions, weights } = await diffWeights(a, b);
  const common = await commonCheckpoint(a, b, weights?.version);
  const parameters = common ? await diffParameters(common) : null;
  return {
    ...{ steps, ledger, versions, weights },
    version: common?.version ?? null,
    hashes: common ? [common.a.manifest.hash, common.b.manifest.hash] : null,
    parameters,
    same: ledger === null && weights === null && parameters === null && (steps > 0 || common !== undefined),
  };
}

async function diffWeights(
  a: string,
  b: string,
): Promise<{ versions: number; weights: WeightsDifference | null }> {
  const left = await openLedgerIndex(a, await runIdOf(a));
  try {
    const right = await openLedgerIndex(b, await runIdOf(b));
    try {
      let versions = 0;
      for (let version = 0; version <= Math.min(left.nextStep, right.nextStep); version++) {
        const [x, y] = [left.digest(version), right.digest(version)];
        if (x === undefined || y === undefined) continue;
        versions += 1;
        if (x !== y) return { versions, weights: { version, a: x, b: y } };
      }
      return { versions, weights: null };
    } finally {
      await right.close();
    }
  } finally {
    await left.close();
  }
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

/** The oldest whole one that both have from version `from` on, or else the newest. */
async function commonCheckpoint(
  a: string,
  b: string,
  from = Number.POSITIVE_INFINITY,
): Promise<Common | undefined> {
  const others = new Map(
    (await listCheckpoints(path.join(b, "checkpoints"))).map((one) => [one.version, one]),
  );
  let found: Common | undefined;
  for (const left of await listCheckpoints(path.join(a, "checkpoints"))) {
    const right = others.get(left.version);
    // They come newest first.
    if (!right || (found && left.version < from)) continue;
    const [one, other] = [await verifyCheckpoint(left.directory), await verifyCheckpoint(right.directory)];
    if (one.kind === "whole" && other.kind === "whole")
      found = {
        version: left.version,
        a: { directory: left.directory, manifest: one.manifest },
        b: { directory: right.directory, manifest: other.manifest },
      };
  }
  return found;
}

async function diffParameters({ a, b }: Common): Promise<TensorDifference | null> {
  if (a.manifest.hash === b.manifest.hash) return null;
  const open = ({ directory }: Common["a"]): Promise<SafetensorsFile> =>
    openSafetensors(path.join(directory, "parameters.safetensors"));
  const [left, right] = [await open(a), await open(b)];
  try {
    return await diffTensors(namesInOrder(a.manifest, b.manifest), readerOf(left), readerOf(right));
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

function readerOf(file: SafetensorsFile): ReadTensor {
  return async (name) => {
    const tensor = file.header.tensors.find((one) => one.name === name);
    return tensor && { shape: tensor.shape, values: await file.readFloat32(tensor) };
  };
}
