/** The first file of a thread that writes and digests checkpoints while others compute. */
import { readlinkSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { interruptNobody } from "@latentweave/vault";
import { type FileDigests, digestFiles } from "./digest-files.ts";
import { answerOf, type Request } from "./thread-messages.ts";

/** Whoever computes comes first; a tenth of a processor is left even where all of them are busy. */
const niceness = 10;

const { pace } = workerData as { readonly pace: Int32Array | undefined };
/** Written at a time where there is a moment to wait for: some milliseconds of a processor. */
const most = pace ? 2 ** 21 : Number.MAX_SAFE_INTEGER;
/** From one such piece to the next while somebody computes: a thirtieth of a processor. */
const mostWaitMs = 60;

stepBack();
interruptNobody();
parentPort?.on("message", (request: Request) => {
  parentPort?.postMessage(answerOf(request.id, () => resultOf(request)));
});

function resultOf(request: Request): FileDigests | undefined {
  if (request.kind === "digest") return digestFiles(request.files);
  const { file, bytes, position } = request;
  // In this very thread: what is asked for asynchronously is done by threads that give way to nobody.
  for (let done = 0; done < bytes.byteLength;) {
    if (pace) Atomics.wait(pace, 0, 0, mostWaitMs);
    done += writeSync(file, bytes, done, Math.min(most, bytes.byteLength - done), position + done);
  }
  return undefined;
}

/** Linux gives each thread a niceness of its own; elsewhere it is the process's, which stays as it is. */
function stepBack(): void {
  if (process.platform !== "linux") return;
  try {
    // PID/task/TID of who asks.
    const thread = Number(path.basename(readlinkSync("/proc/thread-self")));
    os.setPriority(thread, Math.max(niceness, os.getPriority(thread)));
  } catch {
    // No /proc: the thread does its work all the same.
  }
}
