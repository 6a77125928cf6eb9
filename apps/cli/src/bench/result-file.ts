import { open } from "node:fs/promises";
import path from "node:path";
import { writeTextAtomically } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";

/**
 * Where the result goes, tried before minutes are spent on it.
 * @throws UserError where it cannot be written
 */
export async function openResultFile(name: string): Promise<(text: string) => Promise<void>> {
  const file = path.resolve(name);
  try {
    await (await open(file, "a")).close();
  } catch (error) {
    throw new UserError({
      where: `--json ${name}`,
      what: `the result cannot be written there: ${error instanceof Error ? error.message : String(error)}`,
      mend: "name a file in a folder that is there and can be written",
      exitCode: 2,
    });
  }
  return (text) => writeTextAtomically(file, text);
}
