import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";

/** Lower-case hexadecimal SHA-256. */
export function sha256Of(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Size in bytes, or undefined where there is no such file. */
export async function fileBytes(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/** Reads a file that a person named. @throws UserError when it is missing, unreadable or no file. */
export async function readUserFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fileProblem(error, file);
  }
}

/** What is being written has a name that begins so until it is whole. */
export const partialPrefix = ".partial-";

/** Left by a process that was killed: longer than any fetching or preparing takes. */
const staleMs = 24 * 3600 * 1000;

/**
 * Makes a directory appear whole or not at all: `fill` writes into a new one beside it and returns the name that it is
 * then given. When another process was faster its directory stays and ours is dropped, so the same name must always
 * mean the same content.
 * @returns the path of the directory
 */
export async function createDirectoryAtomically(
  parent: string,
  fill: (temporary: string) => Promise<string>,
): Promise<string> {
  const temporary = path.join(parent, `${partialPrefix}${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    await removeStale(parent);
    const target = path.join(parent, await fill(temporary));
    await rename(temporary, target).catch((error: unknown) => {
      if (!["ENOTEMPTY", "EEXIST"].includes(codeOf(error) ?? "")) throw error;
    });
    return target;
  } catch (error) {
    throw fileProblem(error, parent);
  } finally {
    // After a failure to create it there may be nothing to remove, and no way to get there.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function removeStale(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(partialPrefix)) continue;
    const found = await stat(path.join(parent, name)).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > staleMs)
      await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

/** Writes a file so that readers see the old or the new one, never a part. */
export async function writeFileAtomically(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = path.join(path.dirname(file), `${partialPrefix}${randomUUID()}`);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(temporary, "wx");
    try {
      for (const part of parts) await handle.writeFile(part);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileProblem(error, file);
  }
}

/** Turns what the file system refuses into a message for a person; every other error is passed through. */
export function fileProblem(error: unknown, file: string): unknown {
  switch (codeOf(error)) {
    case "ENOENT":
      return new UserError({ what: "no such file", where: file, mend: "check the path", cause: error });
    case "EISDIR":
      return new UserError({ what: "is a folder", where: file, expected: "a file", cause: error });
    case "ENOTDIR":
      return new UserError({
        what: "part of the path is no folder",
        where: file,
        mend: "check the path",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new UserError({
        what: "no permission",
        where: file,
        mend: "change the permissions, or choose another place with LATENTWEAVE_CACHE",
        cause: error,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new UserError({
        what: "the disk is full",
        where: file,
        mend: "free some space, or choose another place with LATENTWEAVE_CACHE",
        cause: error,
      });
    default:
      return error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
