import path from "node:path";
import { writeTextAtomically } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";
import { chromeTrace, profileFiles } from "@latentweave/telemetry";
import type { ReadProfile } from "./read-profile.ts";

/** @returns where it lies. @throws UserError where it cannot be written */
export async function writeTrace(
  { runId, directory, mode, run, summary }: ReadProfile,
  asked: string | undefined,
): Promise<string> {
  const file = path.resolve(asked ?? path.join(directory, profileFiles.folder, profileFiles.trace));
  const { traceEvents, ...rest } = chromeTrace(run, summary.steps, { run: runId, mode });
  const head = JSON.stringify(rest).slice(0, -1);
  const events = traceEvents.map((event) => JSON.stringify(event));
  try {
    await writeTextAtomically(file, `${head},"traceEvents":[\n${events.join(",\n")}\n]}\n`);
  } catch (error) {
    throw new UserError({
      what: `the trace cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      where: file,
      mend: "name a file in a folder that is there and can be written: --trace FILE",
      cause: error,
    });
  }
  return file;
}
