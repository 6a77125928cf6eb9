import { stat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";

/** @throws UserError where there is no such file. @param asGiven for the message @param folder may be one, a package's */
export async function requireFile(absolute: string, asGiven: string, folder = false): Promise<void> {
  const found = await stat(absolute).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (found instanceof Error)
    throw new UserError({
      where: asGiven,
      what:
        found.code === "ENOENT" ? "there is no such file" : `cannot be read (${found.code ?? found.message})`,
      expected: `a file at ${absolute}`,
      mend:
        found.code === "ENOENT"
          ? "check the path; it is relative to where the command runs"
          : "check its permissions",
      cause: found,
    });
  if (found.isDirectory() && !folder)
    throw new UserError({
      where: asGiven,
      what: "is a folder",
      expected: "a job file",
      mend: `name the file in it, such as ${path.join(asGiven, "job.ts")}`,
    });
}
