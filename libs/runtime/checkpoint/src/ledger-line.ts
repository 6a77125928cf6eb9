import { createHash } from "node:crypto";
import type { CommitRecord, TimelineRecord, VersionRecord } from "@latentweave/protocol";

/**
 * A line of ledger/commits.jsonl: `{"previous":P,"hash":H,"record":R}`, where H is SHA-256 of P, a line feed and the
 * text R exactly as it stands on the line, and P is the H of the line before. The first P is SHA-256 of
 * `latentweave ledger 3`, a line feed and the run's id, so that no line can be moved, changed or taken from another
 * run unnoticed. Format 2 was the same with digests by XXH64.
 */
export const ledgerFormat = 3;

/** A checkpoint was made whole: written, and on the disk, before the checkpoint gets its name. */
export interface SealRecord {
  readonly version: number;
  /** SHA-256 of manifest.json. */
  readonly manifest: string;
  readonly merkleRoot: string;
}

/** A coordinator took the run: SHA-256 of what it found in the run's folder. */
export interface StartRecord {
  readonly spec: string;
  readonly job: string | null;
  /** Where the job has given the guarantee of the same bits up. */
  readonly sameBits?: false;
}

export type LedgerRecord =
  | ({ readonly kind: "start" } & StartRecord)
  | ({ readonly kind: "commit" } & CommitRecord)
  | ({ readonly kind: "version" } & VersionRecord)
  | ({ readonly kind: "seal" } & SealRecord)
  | ({ readonly kind: "timeline" } & TimelineRecord);

export interface ParsedLine {
  readonly previous: string;
  readonly hash: string;
  readonly record: LedgerRecord;
}

export function firstPrevious(runId: string, format = ledgerFormat): string {
  return sha256(`latentweave ledger ${format}\n${runId}`);
}

export function encodeLine(
  previous: string,
  record: LedgerRecord,
): { readonly text: string; readonly hash: string } {
  const json = JSON.stringify(record);
  const hash = sha256(`${previous}\n${json}`);
  return { text: `{"previous":"${previous}","hash":"${hash}","record":${json}}`, hash };
}

const linePattern = /^\{"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","record":(.*)\}$/s;

/** Undefined when the line is not, byte for byte, what was written. */
export function parseLine(text: string): ParsedLine | undefined {
  const [, previous, hash, record] = linePattern.exec(text) ?? [];
  if (previous === undefined || hash === undefined || record === undefined) return undefined;
  if (sha256(`${previous}\n${record}`) !== hash) return undefined;
  // The hash holds, so this is the text that the ledger wrote, and it had that shape.
  return { previous, hash, record: JSON.parse(record) as LedgerRecord };
}

/** The format of the ledger that begins with this line, where it is another than ours. */
export function otherFormat(text: string, runId: string): number | undefined {
  const previous = linePattern.exec(text)?.[1];
  const formats = Array.from({ length: mostFormats }, (_, index) => index + 1);
  return formats.find((format) => format !== ledgerFormat && firstPrevious(runId, format) === previous);
}

/** Formats that a later Latentweave may come to. */
const mostFormats = 99;

export function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
