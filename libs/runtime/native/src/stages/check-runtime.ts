import { checkScript } from "../binding-sources.ts";
import { lastWords, runCommand } from "../run-command.ts";
import type { StageContext } from "./stage.ts";

/** What the loaded runtime said of itself. */
export interface CheckedRuntime {
  readonly tensorflow: string;
  readonly gpu: boolean;
}

/** Loads the runtime in a process of its own and multiplies two matrices. */
export async function checkRuntime(
  context: StageContext,
): Promise<CheckedRuntime | { readonly failed: string }> {
  const env = { ...context.env, TF_CPP_MIN_LOG_LEVEL: "2", TF_ENABLE_ONEDNN_OPTS: "0" };
  const options = { cwd: context.directory, env, logFile: context.logFile, timeoutMs: 120_000 };
  const result = await runCommand(process.execPath, ["-e", checkScript], options);
  if (result.kind === "failed")
    return { failed: `the runtime could not be loaded (${result.reason}): ${lastWords(result.output)}` };
  const line = result.output.split("\n").find((text) => text.startsWith('{"tensorflow"'));
  if (line === undefined) return { failed: "the runtime was loaded but did not answer" };
  return JSON.parse(line) as CheckedRuntime;
}
