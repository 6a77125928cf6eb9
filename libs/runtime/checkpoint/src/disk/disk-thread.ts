import { Worker } from "node:worker_threads";
import { entryFile } from "@latentweave/native";
import type { CheckpointDisk } from "./checkpoint-disk.ts";
import type { FileDigests } from "./digest-files.ts";
import { type Answer, answered, type Request } from "./thread-messages.ts";

type Asked = Request extends infer Each ? (Each extends Request ? Omit<Each, "id"> : never) : never;

interface Waiting {
  readonly resolve: (digests: FileDigests | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** When a thread writes: at once where it is told that nobody computes, else piece by piece with pauses between. */
export interface WritePace {
  /** Of whoever computes on this host, as far as is known. */
  nobodyComputes(is: boolean): void;
}

/**
 * A checkpoint's writing and digesting in a thread that gives way to whoever computes. The thread starts at once, so that
 * the first checkpoint need not wait for it, and does not keep the process.
 * @param paced it also waits for its moment (`nobodyComputes`, which is not so at first)
 */
export function createDiskThread(paced = false): CheckpointDisk & WritePace {
  const pace = paced ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
  let thread: Promise<Worker> | undefined;
  let nextId = 0;
  const waiting = new Map<number, Waiting>();

  const start = async (): Promise<Worker> => {
    const worker = new Worker(await entryFile(new URL("./disk-thread.entry.ts", import.meta.url)), {
      workerData: { pace },
    });
    worker.on("message", (answer: Answer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (waiting.size === 0) worker.unref();
      if (asked) answered(answer, asked);
    });
    const gone = (reason: string): void => {
      thread = undefined; // the next call starts another one
      const lost = [...waiting.values()];
      waiting.clear();
      for (const { reject } of lost) reject(new Error(`the thread that writes checkpoints ${reason}`));
    };
    worker.on("error", (error: unknown) =>
      gone(`failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    worker.on("exit", (code) => gone(`ended with code ${code}`));
    // Last, for whoever listens to its messages holds on to it again.
    worker.unref();
    return worker;
  };

  const ask = async (asked: Asked): Promise<FileDigests | undefined> => {
    const worker = await (thread ??= start());
    return await new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ ...asked, id });
    });
  };

  thread = start();
  // Told to whoever asks first.
  thread.catch(() => undefined);

  return {
    nobodyComputes(is) {
      if (!pace) return;
      Atomics.store(pace, 0, is ? 1 : 0);
      Atomics.notify(pace, 0);
    },
    async write(file, bytes, position) {
      // What is not shared would be cloned with all of the buffer that it lies in.
      const own = bytes.buffer instanceof SharedArrayBuffer ? bytes : bytes.slice();
      await ask({ kind: "write", file, bytes: own, position });
    },
    async digest(files) {
      return (await ask({ kind: "digest", files })) as FileDigests;
    },
  };
}
