import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { createDiskThread } from "@latentweave/checkpoint";
import type { CheckpointFiles } from "@latentweave/parameter-server-engine";

/**
 * Files of checkpoints in a run's folder, written by a thread that gives way to whoever computes. It is started with the
 * first of them.
 */
export function openCheckpointFiles(runDirectory: string): CheckpointFiles {
  const allowed = path.join(path.resolve(runDirectory), "checkpoints") + path.sep;
  let disk: ReturnType<typeof createDiskThread> | undefined;
  return {
    open(file) {
      if (!path.resolve(file).startsWith(allowed)) throw new Error(`${file} is no checkpoint of this run`);
      disk ??= createDiskThread();
      const thread = disk;
      const descriptor = openSync(file, "r+");
      return {
        write: (bytes, position) => thread.write(descriptor, bytes, position),
        close: () => closeSync(descriptor),
      };
    },
  };
}
