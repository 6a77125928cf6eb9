import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";

/**
 * Makes a new run's folder, which from then on is this process' own: of two that want the same name one gets it.
 * @throws UserError when it is taken, or cannot be made
 */
export async function claimFolder(directory: string): Promise<void> {
  try {
    await mkdir(path.dirname(directory), { recursive: true });
    await mkdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A process that was killed before it had written anything leaves an empty one.
    if (code === "EEXIST" && (await readdir(directory).catch(() => ["file"])).length === 0) return;
    throw new UserError({
      where: directory,
      what:
        code === "EEXIST"
          ? "there is such a folder already"
          : `the run's folder cannot be made (${reasons[code ?? ""] ?? code ?? String(error)})`,
      mend:
        code === "EEXIST" ? "choose another --run-id" : "name another folder with --runs, or mend this one",
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is no folder",
};

/** Takes back a folder whose run never began. */
export async function releaseFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
