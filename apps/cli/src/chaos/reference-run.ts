import { stat } from "node:fs/promises";
import path from "node:path";
import { compareJobs, findRun, parameterHash, readTable } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";
import { verifyRun } from "@latentweave/verify-engine";
import { programDigest } from "../command/program-digest.ts";
import type { LaunchOptions } from "../train/launched-run.ts";
import { specText } from "../train/spec-text.ts";
import type { RunSummary } from "./certificate/certificate.ts";

/** Parts of spec.json that say what is kept and checked of a run, and change no bit of it. */
const keptOnly = /^(name|checkpointEverySteps|recoveryEverySteps|auditShare)$/;
const mostShown = 3;

/**
 * A finished run in place of the undisturbed one of a drill.
 * @param launch as the disturbed run will be started
 * @throws UserError unless it is whole, its record is consistent, and job, data and program are those of the drill
 */
export async function readReference(name: string, launch: LaunchOptions): Promise<RunSummary> {
  const directory = findRun(launch.runsDirectory, name);
  const runId = path.basename(directory);
  const refuse = (what: string, expected: string): never => {
    throw new UserError({
      what: `run ${runId} cannot stand for the undisturbed run: ${what}`,
      where: directory,
      expected,
      mend: "leave --reference out: the undisturbed run is made now",
    });
  };
  const state = await readTable(path.join(directory, "run.json"));
  if (state?.state !== "finished") return refuse(`it is ${String(state?.state)}`, "a finished run");
  const { build } = (state.software ?? {}) as { readonly build?: string };
  if (build !== programDigest())
    return refuse("another build of Latentweave made it", `build ${programDigest()}, as here`);
  const spec = JSON.parse(await specText(launch)) as unknown;
  const changes = compareJobs(await readTable(path.join(directory, "spec.json")), spec).filter(
    (change) => !keptOnly.test(change.path),
  );
  if (changes.length > 0)
    return refuse(
      changes
        .slice(0, mostShown)
        .map(({ path, before, after }) => `its ${path} is ${show(before)}, not ${show(after)}`)
        .join("; "),
      "a run of the same job, data and steps, with the same flags",
    );
  const { consistent, problems, version } = await verifyRun(directory);
  if (!consistent)
    return refuse(`${problems[0]?.where}: ${problems[0]?.what}`, "a record without contradictions");
  const { mtimeMs } = await stat(path.join(directory, "run.json"));
  return {
    ...{ runId, directory, version, state: "finished" as const, reason: null },
    hash: await parameterHash(directory),
    elapsedMs: typeof state.startedAtMs === "number" ? Math.max(0, mtimeMs - state.startedAtMs) : 0,
  };
}

function show(value: unknown): string {
  const text = value === undefined ? "absent" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)} ...` : text;
}
