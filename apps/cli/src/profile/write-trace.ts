import path from "node:path";
import { writeTextAtomically } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";
import { chromeTrace, newestPart, profileFiles } from "@latentweave/telemetry";
import type { ReadProfile } from "./read-profile.ts";

/** About 100 MB of text: what the viewer still shows with ease. Only large fleets have more. */
const mostSpans = 500_000;

/** @returns where it lies. @throws UserError where it cannot be written */
export async function writeTrace(
  { runId, directory, mode, run, summary }: ReadProfile,
  asked: string | undefined,
): Promise<string> {
  const file = path.resolve(asked ?? path.join(directory, profileFiles.folder, profileFiles.trace));
  const part = newestPart(run, summary.steps, mostSpans);
  const { traceEvents, ...rest } = chromeTrace(part.run, part.steps, { run: runId, mode });
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
