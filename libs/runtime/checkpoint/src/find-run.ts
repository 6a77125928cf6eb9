import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { errorCode } from "./disk-error.ts";

/** Names of the runs in a folder, the one that was written last first. */
export function listRuns(runsDirectory: string): readonly string[] {
  return entries(runsDirectory)
    .flatMap((name): { name: string; changedMs: number }[] => {
      const times = ["run.json", "job.json"].flatMap(
        (file) => modifiedMs(path.join(runsDirectory, name, file)) ?? [],
      );
      return times.length > 0 ? [{ name, changedMs: Math.max(...times) }] : [];
    })
    .sort((a, b) => b.changedMs - a.changedMs || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/**
 * The folder of a run that is named whole, by an unambiguous beginning, or by a path that leads to it.
 * @throws UserError with the nearest name, or with the candidates.
 */
export function findRun(runsDirectory: string, nameOrPrefix: string): string {
  const runs = listRuns(runsDirectory);
  if (runs.includes(nameOrPrefix)) return path.join(runsDirectory, nameOrPrefix);
  if (/[\\/]|^\.+$/.test(nameOrPrefix) && isRun(nameOrPrefix)) return path.resolve(nameOrPrefix);
  const matches = nameOrPrefix === "" ? [] : runs.filter((name) => name.startsWith(nameOrPrefix));
  if (matches.length === 1) return path.join(runsDirectory, matches[0] as string);
  if (matches.length > 1)
    throw new UserError({
      what: `"${nameOrPrefix}" may be any of ${matches.length} runs: ${enumerate(matches)}`,
      where: runsDirectory,
      mend: "type more of the name",
    });
  const close = nearest(nameOrPrefix, runs);
  throw new UserError({
    what: `there is no run "${nameOrPrefix}"`,
    where: runsDirectory,
    ...(runs.length > 0 ? { expected: `one of ${enumerate(runs)}` } : {}),
    mend: mending(close, runs.length > 0),
  });
}

function mending(close: string | undefined, some: boolean): string {
  if (close !== undefined) return `did you mean "${close}"?`;
  return some
    ? "type one of these names, or name another folder with --runs"
    : "start one with `latentweave train JOB`, or name another folder with --runs";
}

/** Enough to choose from, not so many that they fill the screen. */
const shown = 8;

function enumerate(names: readonly string[]): string {
  const rest = names.length - shown;
  return names.slice(0, shown).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function isRun(directory: string): boolean {
  return ["run.json", "job.json"].some((file) => modifiedMs(path.join(directory, file)) !== undefined);
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function modifiedMs(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  } catch (error) {
    // What should be a folder is a file: something else that lies among the runs.
    if (errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
