import { setTimeout as wait } from "node:timers/promises";
import type { CheckpointDisk } from "./checkpoint-disk.ts";
import type { WrittenFiles } from "./digest-files.ts";
import { createDigestProcess } from "./digest-process.ts";
import { createDiskThread } from "./disk-thread.ts";

/** Where processors are never idle, digests are not put off for longer. */
const patienceMs = 10_000;

/** What is digested in a few hundredths of a second is not worth a process, nor a wait for a moment in which nobody computes. */
const fewBytes = 64 * 2 ** 20;

/** Writes by a thread, and digests much by a process that gives way to everybody; by the thread where that takes too long. */
export function createPatientDisk(few = fewBytes): CheckpointDisk {
  const thread = createDiskThread();
  const process = createDigestProcess();
  return {
    write: thread.write,
    async digest(files) {
      if (bytesOf(files) <= few) return await thread.digest(files);
      const over = new AbortController();
      const later = wait(patienceMs, undefined, { ref: false, signal: over.signal }).then(() =>
        thread.digest(files),
      );
      later.catch(() => undefined);
      try {
        // What the system refuses the one it refuses the other: that is said by whoever comes to it first.
        return await Promise.race([process.digest(files).catch(() => thread.digest(files)), later]);
      } finally {
        over.abort();
      }
    },
  };
}

function bytesOf({ layout, sections }: WrittenFiles): number {
  return sections.length * layout.groups.reduce((sum, { numbers }) => sum + 4 * numbers, 0);
}
