import { diffTensors, type ReadTensor, type TensorDifference } from "@latentweave/checkpoint";
import { openReplay, type ReplayableRun } from "./open-replay.ts";
import { replayTo } from "./replay-to.ts";
import { tellSteps } from "./tell-steps.ts";

/**
 * Computes both runs again up to the weights of one version, and compares every tensor.
 * @throws UserError when one of them cannot be computed here
 */
export async function diffAt(
  a: string,
  b: string,
  version: number,
  log: (line: string) => void,
): Promise<TensorDifference | null> {
  const one = await weightsAt(a, version, log);
  const other = await weightsAt(b, version, log);
  return await diffTensors(new Set([...one.names, ...other.names]), one.read, other.read);
}

async function weightsAt(
  directory: string,
  version: number,
  log: (line: string) => void,
): Promise<{ readonly names: readonly string[]; readonly read: ReadTensor }> {
  const run = await openReplay(directory, { log });
  try {
    return await readWeights(run, version, log);
  } finally {
    await run.close();
  }
}

async function readWeights(
  run: ReplayableRun,
  version: number,
  log: (line: string) => void,
): Promise<{ readonly names: readonly string[]; readonly read: ReadTensor }> {
  const replay = await replayTo(run, version, tellSteps(log));
  const tensors = new Map(
    run.layout.groups.flatMap((group) => {
      const values = replay.parameters(group.index);
      return group.tensors.map(({ name, shape, offset, numbers }) => [
        name,
        { shape, values: values.subarray(offset, offset + numbers) },
      ]);
    }),
  );
  return { names: [...tensors.keys()], read: async (name) => tensors.get(name) };
}
