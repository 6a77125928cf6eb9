import path from "node:path";
import type { Arithmetic } from "@latentweave/arithmetic";
import {
  examineCheckpoint,
  type Examination,
  listCheckpoints,
  verifyCheckpoint,
} from "@latentweave/checkpoint";
import type { ParameterLayout } from "@latentweave/parameters";
import type { LedgerFacts } from "./check-ledger.ts";
import type { Problems } from "./problem.ts";
import { short } from "./version-digests.ts";

export interface CheckedCheckpoint {
  readonly version: number;
  readonly directory: string;
  readonly hash: string;
  /** Its weights are those of a timeline that a conviction made void. */
  readonly void: boolean;
}

/** Reads every byte of every checkpoint, recomputes all digests, and compares them with its seal and the record. */
export async function checkCheckpoints(options: {
  readonly directory: string;
  readonly runId: string;
  /** Undefined: not known, so checkpoints are only compared with their own manifests. */
  readonly layout: ParameterLayout | undefined;
  readonly arithmetic: Arithmetic;
  readonly ledger: LedgerFacts;
  readonly problems: Problems;
}): Promise<CheckedCheckpoint[]> {
  const { ledger, problems } = options;
  const checked: CheckedCheckpoint[] = [];
  for (const { version, directory } of await listCheckpoints(path.join(options.directory, "checkpoints"))) {
    const where = path.join("checkpoints", path.basename(directory));
    const examined =
      options.layout && (await examineCheckpoint(directory, options.layout, options.arithmetic));
    const found = examined ?? (await verifyCheckpoint(directory));
    if (found.kind === "damaged") {
      problems.add(where, found.reason);
      continue;
    }
    const seal = ledger.seals.get(version);
    if (!seal) problems.add(where, "the record has no seal of it");
    if (examined?.kind === "whole")
      for (const fault of faultsOf(examined, options.runId, seal, ledger)) problems.add(where, fault);
    checked.push({ version, directory, hash: found.manifest.hash, void: seal?.void ?? false });
  }
  return checked;
}

function faultsOf(
  found: Examination,
  runId: string,
  seal: (LedgerFacts["seals"] extends ReadonlyMap<number, infer Seal> ? Seal : never) | undefined,
  ledger: LedgerFacts,
): string[] {
  const { manifest } = found;
  const faults: string[] = [];
  const same = (what: string, is: string, other: string, says: string): void => {
    if (is !== says) faults.push(`${what} is ${short(is)}, ${other} says ${short(says)}`);
  };
  if (manifest.runId !== runId) faults.push(`it is of run ${manifest.runId}, not of ${runId}`);
  same("the hash of the parameters", found.hash, "manifest.json", manifest.hash);
  same("the Merkle root", found.merkleRoot, "manifest.json", manifest.merkleRoot);
  if (!seal) return faults;
  same("the SHA-256 of manifest.json", found.manifestDigest, "its seal in the record", seal.manifest);
  same("the Merkle root", found.merkleRoot, "its seal in the record", seal.merkleRoot);
  const recorded = ledger.digests.of(manifest.version);
  if (!seal.void && recorded !== undefined)
    same("the version digest", found.versionDigest, "the record", recorded);
  return faults;
}
