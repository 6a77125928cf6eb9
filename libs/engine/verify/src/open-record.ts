import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ledgerFile, sha256, textWithOwnChecksum } from "@latentweave/checkpoint";
import type { RunSpec } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";
import type { Problems } from "./problem.ts";

/** The files that say what a run is, as they lie in its folder. */
export interface RunFiles {
  readonly runId: string;
  /** run.json. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly spec: RunSpec;
  /** SHA-256 of spec.json and job.json. */
  readonly specDigest: string;
  readonly jobDigest: string | undefined;
  readonly ledger: string;
}

/**
 * @throws UserError when the folder lacks a file that every run has, or one of them cannot be read at all
 */
export function openRunFiles(directory: string, problems: Problems): RunFiles {
  const missing = ["run.json", "spec.json", "job.json", path.join("ledger", "commits.jsonl")].filter(
    (file) => !existsSync(path.join(directory, file)),
  );
  if (missing.length > 0)
    throw new UserError({
      what: `this run is not whole: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
      where: directory,
      expected: "run.json, spec.json, job.json, ledger and checkpoints, as `latentweave train` leaves them",
      mend: "bring the files back from a copy; without them nothing can be proved of this run",
    });
  const stateBytes = readFileSync(path.join(directory, "run.json"));
  if (textWithOwnChecksum(stateBytes) === undefined)
    problems.add("run.json", "it does not match its own checksum");
  const state = parse(directory, "run.json", stateBytes);
  const specBytes = readFileSync(path.join(directory, "spec.json"));
  const jobBytes = readFileSync(path.join(directory, "job.json"));
  const spec = parse(directory, "spec.json", specBytes) as unknown as RunSpec;
  if ((spec.format as number) !== 1)
    throw new UserError({
      what: `this run's spec.json has format ${String(spec.format)}`,
      where: directory,
      expected: "format 1, which this version of Latentweave reads",
      mend: "verify it with the version that made it",
    });
  return {
    runId: typeof state.runId === "string" ? state.runId : path.basename(path.resolve(directory)),
    state,
    spec,
    specDigest: sha256(specBytes),
    jobDigest: sha256(jobBytes),
    ledger: ledgerFile(directory),
  };
}

function parse(directory: string, file: string, bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // told below
  }
  throw new UserError({
    what: `${file} is damaged: it is no JSON object`,
    where: directory,
    mend: "bring it back from a copy",
  });
}
