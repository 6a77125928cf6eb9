import fs from "node:fs";
import { promisify } from "node:util";
import { digestFiles, type FileDigests, type WrittenFiles } from "./digest-files.ts";

/** The heavy part of writing a checkpoint, wherever it is done. Errors are the system's, with its code. */
export interface CheckpointDisk {
  /**
   * @param file descriptor of an open file
   * @param bytes the disk's to read until this resolves; where they are shared memory no thread needs a copy
   */
  write(file: number, bytes: Uint8Array, position: number): Promise<void>;
  digest(files: WrittenFiles): Promise<FileDigests>;
}

const write = promisify(fs.write);

/** By the process's own means. */
export const plainDisk: CheckpointDisk = {
  async write(file, bytes, position) {
    for (let done = 0; done < bytes.byteLength;)
      done += (await write(file, bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  },
  digest: async (files) => digestFiles(files),
};
