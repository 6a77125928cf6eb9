import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { createDiskThread } from "@latentweave/checkpoint";
import type { CheckpointFiles } from "@latentweave/parameter-server-engine";

/**
 * Files of checkpoints in a run's folder, written by a thread that waits for the moments in which no worker of this host
 * computes. It is started with the first of them.
 */
export function openCheckpointFiles(runDirectory: string): CheckpointFiles {
  const allowed = path.join(path.resolve(runDirectory), "checkpoints") + path.sep;
  let disk: ReturnType<typeof createDiskThread> | undefined;
  let waiting = false;
  let hurried = false;
  const tell = (): void => disk?.nobodyComputes(waiting || hurried);
  return {
    workersWait(wait) {
      waiting = wait;
      tell();
    },
    hurry(isDue) {
      hurried = isDue;
      tell();
    },
    open(file) {
      if (!path.resolve(file).startsWith(allowed)) throw new Error(`${file} is no checkpoint of this run`);
      if (!disk) {
        disk = createDiskThread(true);
        tell();
      }
      const thread = disk;
      const descriptor = openSync(file, "r+");
      return {
        write: (bytes, position) => thread.write(descriptor, bytes, position),
        close: () => closeSync(descriptor),
      };
    },
  };
}
