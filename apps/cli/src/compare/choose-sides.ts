import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { compareJobs, findRun, listRuns } from "@latentweave/checkpoint";
import type { ResolvedJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { readRunJob } from "../runs/run-tables.ts";

/** A run that takes part, as its files say. */
export interface SideRun {
  readonly runId: string;
  /** Absolute. */
  readonly directory: string;
  readonly job: ResolvedJob;
}

/** What is compared: one way to train, in one repetition or several. */
export interface Side {
  readonly label: string;
  readonly runs: readonly SideRun[];
}

/** Fields in which repetitions of one job may differ. */
const repeatedFields = /^(name|seed|launcher|checkpoints|recovery|audit|evaluate\.everySteps)\b/;

/**
 * Sides as they are named: `LABEL=RUN,RUN`, a folder that holds runs, or a run. Runs that are named alone and whose jobs
 * differ in nothing but their seed are repetitions of one side.
 * @throws UserError for a run or folder that is not there, and for a label that is given twice
 */
export async function chooseSides(runsDirectory: string, named: readonly string[]): Promise<readonly Side[]> {
  const sides: { label: string; runs: SideRun[]; isOpen: boolean }[] = [];
  for (const name of named) {
    const { label, directories, isOpen } = runsOf(runsDirectory, name);
    const runs: SideRun[] = [];
    for (const directory of directories) runs.push(await describe(directory));
    const [first] = runs;
    const same =
      isOpen && first ? sides.find((side) => side.isOpen && areRepeated(side.runs[0], first)) : undefined;
    if (same) same.runs.push(...runs);
    else sides.push({ label, runs, isOpen });
  }
  for (const [index, { label }] of sides.entries())
    if (sides.findIndex((side) => side.label === label) < index)
      throw new UserError({
        what: `two sides are called "${label}"`,
        expected: "a name for each",
        mend: `name them: A=${label} B=...`,
        exitCode: 2,
      });
  return sides.map(({ label, runs }) => ({ label, runs: withoutRepeats(label, runs) }));
}

function runsOf(
  runsDirectory: string,
  name: string,
): { readonly label: string; readonly directories: readonly string[]; readonly isOpen: boolean } {
  const [, label, list] = /^([^=/\\]+)=(.+)$/s.exec(name) ?? [];
  if (label !== undefined && list !== undefined)
    return {
      label,
      directories: list
        .split(",")
        .flatMap((one) => runsIn(runsDirectory, one) ?? [findRun(runsDirectory, one)]),
      isOpen: false,
    };
  const folder = runsIn(runsDirectory, name);
  if (folder) return { label: path.basename(path.resolve(name)), directories: folder, isOpen: false };
  const directory = findRun(runsDirectory, name);
  return { label: path.basename(directory), directories: [directory], isOpen: true };
}

/** The runs of a folder that holds some, by name; undefined where it is no such folder. */
function runsIn(runsDirectory: string, name: string): readonly string[] | undefined {
  for (const place of [path.resolve(name), path.resolve(runsDirectory, name)]) {
    const isFolder = existsSync(place) && statSync(place).isDirectory();
    if (!isFolder || existsSync(path.join(place, "job.json"))) continue;
    const runs = [...listRuns(place)].sort();
    if (runs.length > 0) return runs.map((run) => path.join(place, run));
  }
  return undefined;
}

async function describe(directory: string): Promise<SideRun> {
  return { runId: path.basename(directory), directory, job: await readRunJob(directory) };
}

function areRepeated(a: SideRun | undefined, b: SideRun): boolean {
  return a !== undefined && compareJobs(a.job, b.job).every((change) => repeatedFields.test(change.path));
}

function withoutRepeats(label: string, runs: readonly SideRun[]): readonly SideRun[] {
  for (const [index, { directory, runId }] of runs.entries())
    if (runs.findIndex((run) => run.directory === directory) < index)
      throw new UserError({
        what: `run ${runId} is named twice`,
        where: `side ${label}`,
        mend: "name each run once: it is one repetition, however often it is named",
        exitCode: 2,
      });
  return runs;
}
