/**
 * The stages of a native runtime's setup. Each leaves a stamp when it is whole, so a setup that was killed goes on
 * where it stopped; none leaves a half-made file under its final name.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Progress, secondsSince } from "../progress.ts";
import type { Variant } from "../recipe.ts";
import { type CommandResult, lastWords } from "../run-command.ts";

export interface StageContext {
  readonly directory: string;
  readonly variant: Variant;
  readonly progress: Progress;
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A stage ends well or with one sentence for the user. */
export type StageResult = { readonly kind: "done" } | { readonly kind: "failed"; readonly reason: string };

export const done: StageResult = { kind: "done" };

/** A stage's failure in the words of the command that failed. */
export function failure(what: string, result: CommandResult & { kind: "failed" }): StageResult {
  const said = lastWords(result.output);
  return { kind: "failed", reason: `${what} (${result.reason})${said === "" ? "" : `: ${said}`}` };
}

/** Runs a stage unless its stamp is there, and times it for the user. */
export async function stage(
  context: StageContext,
  name: string,
  title: string,
  work: () => Promise<StageResult>,
): Promise<StageResult> {
  const stamp = path.join(context.directory, "stamps", name);
  if (existsSync(stamp)) {
    context.progress.line(`  ${title}: already there`);
    return done;
  }
  const startMs = performance.now();
  context.progress.live(`  ${title} ...`);
  const result = await work();
  if (result.kind === "done") {
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, "");
    context.progress.line(`  ${title}: done in ${secondsSince(startMs)}`);
  } else {
    context.progress.line(`  ${title}: failed. ${result.reason}`);
  }
  return result;
}
