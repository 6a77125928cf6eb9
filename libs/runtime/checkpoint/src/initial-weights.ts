import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { ParameterLayout } from "@latentweave/parameters";
import { type CheckpointSource, UserError } from "@latentweave/protocol";
import { listCheckpoints } from "./checkpoint-directory.ts";
import { checkpointSource, newestCheckpoint } from "./checkpoint-reader.ts";
import { beginCheckpoint } from "./checkpoint-writer.ts";
import { parametersSection } from "./placement.ts";

const folderOf = (directory: string): string => path.join(directory, "initial");

/**
 * Writes the weights that a run begins with: a checkpoint of version 0, in a folder of its own, where it outlives all
 * others. Optimiser states are zero.
 * @param sections of the run's checkpoints, `parameters` first
 * @param groups numbers of each group in layout order, padding included
 * @returns the hash of the parameters
 * @throws UserError when it cannot be written
 */
export async function writeInitialWeights(options: {
  readonly directory: string;
  readonly runId: string;
  readonly layout: ParameterLayout;
  readonly sections: readonly string[];
  readonly groups: readonly Float32Array[];
  readonly meta: Readonly<Record<string, unknown>>;
}): Promise<string> {
  const { directory, runId, layout, sections, groups, meta } = options;
  const checkpoints = folderOf(directory);
  await mkdir(checkpoints, { recursive: true });
  const sink = await beginCheckpoint({
    ...{ checkpoints, runId, layout, sections },
    ...{ version: 0, keep: 1 },
    beforePublishing: () => Promise.resolve(),
  });
  for (const section of sections)
    for (const { index, numbers } of layout.groups) {
      const values = section === parametersSection ? groups[index] : new Float32Array(numbers);
      const { buffer, byteOffset, byteLength } = values as Float32Array;
      await sink.write(
        section,
        { group: index, start: 0, numbers },
        new Uint8Array(buffer, byteOffset, byteLength),
      );
    }
  return (await sink.finish(meta)).hash;
}

/**
 * Those weights; undefined where a run draws its own.
 * @throws UserError when they are there and damaged
 */
export async function openInitialWeights(
  directory: string,
  layout: ParameterLayout,
): Promise<CheckpointSource | undefined> {
  const folder = folderOf(directory);
  if ((await listCheckpoints(folder)).length === 0) return undefined;
  const reasons: string[] = [];
  const found = await newestCheckpoint(folder, (line) => reasons.push(line));
  if (found) return await checkpointSource(found, layout);
  throw missing(folder, reasons.join("; "));
}

/** @throws UserError unless a run that begins with weights of this hash has them */
export async function requireInitialWeights(
  directory: string,
  layout: ParameterLayout,
  hash: string,
): Promise<void> {
  const source = await openInitialWeights(directory, layout);
  if (source?.hash === hash) return;
  throw missing(folderOf(directory), source ? `their hash is ${source.hash}` : "there are none");
}

function missing(where: string, why: string): UserError {
  return new UserError({
    what: `the weights that this run begins with are not there: ${why}`,
    where,
    expected: "what `latentweave train` wrote there when the run was made",
    mend: "bring the folder back, or start a new run of the job",
  });
}
