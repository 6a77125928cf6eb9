import path from "node:path";
import { type CommitRecord, UserError } from "@latentweave/protocol";
import { firstPrevious, ledgerFormat, type LedgerRecord, otherFormat, parseLine } from "./ledger-line.ts";
import { readLines } from "./line-file.ts";

export interface LedgerEntry {
  /** Of the line, from 1. */
  readonly number: number;
  readonly record: LedgerRecord;
  readonly hash: string;
  /** Positions in the file where the line begins and where the next one does. */
  readonly start: number;
  readonly end: number;
}

/** A line of the ledger is not what was written there. */
export class LedgerError extends UserError {
  readonly line: number;
  readonly what: string;
  /** In one line, for logs. */
  readonly summary: string;
  /** Where the last good line ends. */
  readonly end: number;

  constructor(file: string, line: number, end: number, what: string) {
    const where = `${file}, line ${line}`;
    super({
      ...{ what, where },
      mend: "bring the file back from a copy; or let `latentweave train --resume` put the damaged part aside and compute it again",
    });
    this.line = line;
    this.what = what;
    this.summary = `${where}: ${what}`;
    this.end = end;
  }
}

export function ledgerFile(directory: string): string {
  return path.join(directory, "ledger", "commits.jsonl");
}

/**
 * Entries in order, each checked against the one before; the unfinished last line that a crash leaves is no entry.
 * @param after begins after this entry, which was read before
 * @throws LedgerError naming file and line; UserError when the ledger is of another format.
 */
export async function* readLedger(
  file: string,
  runId: string,
  after: Pick<LedgerEntry, "number" | "hash" | "end"> = { number: 0, hash: firstPrevious(runId), end: 0 },
): AsyncGenerator<LedgerEntry> {
  let { hash: previous, end: start } = after;
  for await (const { number, text, end } of readLines(file, after)) {
    const line = parseLine(text);
    if (number === 1 && line?.previous !== previous) refuseOtherFormat(file, text, runId);
    if (!line) throw new LedgerError(file, number, start, "changed or damaged since it was written");
    if (line.previous !== previous)
      throw new LedgerError(file, number, start, "does not continue the line before it");
    previous = line.hash;
    yield { number, record: line.record, hash: line.hash, start, end };
    start = end;
  }
}

/** @throws UserError when a ledger that begins with this line is of another format. */
export function refuseOtherFormat(file: string, firstLine: string, runId: string): void {
  const format = otherFormat(firstLine, runId);
  if (format === undefined) return;
  throw new UserError({
    what: `this run's record has format ${format}`,
    where: file,
    expected: `format ${ledgerFormat}, which this version of Latentweave reads and writes`,
    mend: "use the version that made the run (run.json names it), or start a new run with another --run-id",
  });
}

export interface CommitEntry extends LedgerEntry {
  readonly record: { readonly kind: "commit" } & CommitRecord;
}

/**
 * The commits in effect, in order of steps: of a step that was computed again, the last one.
 * @throws as readLedger
 */
export async function* readCommits(file: string, runId: string): AsyncGenerator<CommitEntry> {
  const cuts = await cutsOf(file);
  for await (const entry of readLedger(file, runId)) {
    while (cuts[0] !== undefined && cuts[0].number <= entry.number) cuts.shift();
    if (entry.record.kind === "commit" && isInEffect(entry.record.step, cuts)) yield entry as CommitEntry;
  }
}

export interface Cut {
  readonly number: number;
  readonly fromVersion: number;
}

/** Whether a commit is in effect, given the timelines that begin after it. */
export function isInEffect(step: number, later: readonly Cut[]): boolean {
  return later.every(({ fromVersion }) => step < fromVersion);
}

/** Where timelines begin; unchecked, since the reading that follows checks every line. */
export async function cutsOf(file: string): Promise<Cut[]> {
  const cuts: Cut[] = [];
  for await (const { number, text } of readLines(file)) {
    // The kind stands at a fixed place, right after the two hashes: the other lines need not be parsed.
    if (!text.startsWith('"record":{"kind":"timeline"', headLength)) continue;
    const record = parseLine(text)?.record;
    if (record?.kind === "timeline") cuts.push({ number, fromVersion: record.fromVersion });
  }
  return cuts;
}

/** `{"previous":"…64 digits…","hash":"…64 digits…",` */
const headLength = 13 + 64 + 10 + 64 + 2;
