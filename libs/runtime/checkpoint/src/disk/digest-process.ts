import { type ChildProcess, fork } from "node:child_process";
import { entryFile } from "@latentweave/native";
import type { FileDigests, WrittenFiles } from "./digest-files.ts";
import { type Answer, answered } from "./thread-messages.ts";

interface Waiting {
  readonly resolve: (digests: FileDigests | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Digests checkpoints in a process of its own, which takes of the processors what nobody else wants. It is started by the
 * first of them, keeps nobody from ending, and ends with whoever started it.
 */
export interface DigestProcess {
  /** Rejects with the system's error and its code; or because the process is gone, and then the next call starts another. */
  digest(files: WrittenFiles): Promise<FileDigests>;
}

export function createDigestProcess(): DigestProcess {
  const waiting = new Map<number, Waiting>();
  let child: Promise<ChildProcess> | undefined;
  let nextId = 0;

  const start = async (): Promise<ChildProcess> => {
    const entry = await entryFile(new URL("./digest-process.entry.ts", import.meta.url));
    // A session of its own, for whose group it steps back.
    const started = fork(entry, [], {
      ...{ detached: true, serialization: "advanced", execArgv: [] },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.on("message", (answer: Answer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (waiting.size === 0) started.channel?.unref();
      if (asked) answered(answer, asked);
    });
    const gone = (reason: string): void => {
      child = undefined;
      const lost = [...waiting.values()];
      waiting.clear();
      for (const { reject } of lost) reject(new Error(`the process that digests checkpoints ${reason}`));
    };
    started.on("error", (error) => gone(`failed: ${error.message}`));
    started.on("exit", (code, signal) => gone(`ended with ${signal ?? `code ${code}`}`));
    started.unref();
    return started;
  };

  return {
    async digest(files) {
      const process = await (child ??= start());
      const digests = await new Promise<FileDigests | undefined>((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        process.channel?.ref();
        process.send({ id, files }, (error) => {
          if (error && waiting.delete(id)) reject(error);
        });
      });
      return digests as FileDigests;
    },
  };
}
