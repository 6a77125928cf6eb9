import { createHash } from "node:crypto";
import { type CommitRecord, UserError } from "@latentweave/protocol";
import { LineFile, readLines } from "./line-file.ts";

/**
 * ledger/commits.jsonl: one line per commit, `{"previous":P,"hash":H,"record":R}`, where H is SHA-256 of P, a line
 * feed and the text R exactly as it stands on the line, and P is the H of the line before. The first P is SHA-256 of
 * `latentweave ledger 1`, a line feed and the run's id, so that no line can be moved, changed or taken from another
 * run unnoticed.
 */
export function firstPrevious(runId: string): string {
  return sha256(`latentweave ledger 1\n${runId}`);
}

export interface LedgerEntry {
  readonly number: number;
  readonly record: CommitRecord;
  readonly hash: string;
  /** Position in the file after this entry. */
  readonly end: number;
}

/** A line of the ledger does not continue the one before it. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
}

/** Entries in order, each checked against the one before. @throws LedgerError naming file and line. */
export async function* readLedger(path: string, runId: string): AsyncGenerator<LedgerEntry> {
  let previous = firstPrevious(runId);
  for await (const { number, text, end } of readLines(path)) {
    const entry = parseLine(text);
    if (!entry) throw new LedgerError(`${path}, line ${number}: changed or damaged since it was written`);
    if (entry.previous !== previous)
      throw new LedgerError(`${path}, line ${number}: does not continue the line before it`);
    previous = entry.hash;
    yield { number, record: entry.record, hash: entry.hash, end };
  }
}

/** The ledger as its one writer sees it. */
export class Ledger {
  readonly #file: LineFile;
  readonly #runId: string;
  #previous: string;

  /** Cuts off what a crash left half-written and says so to `log`. @throws UserError when the folder is not writable. */
  constructor(path: string, runId: string, log: (line: string) => void) {
    const { file, tornBytes } = LineFile.open(path);
    if (tornBytes > 0) log(`the ledger ended in ${tornBytes} bytes of an unfinished line; they were cut off`);
    this.#file = file;
    this.#runId = runId;
    this.#previous = this.#continueFrom(log);
  }

  append(record: CommitRecord): void {
    const text = JSON.stringify(record);
    const hash = sha256(`${this.#previous}\n${text}`);
    this.#file.append(`${opening}${this.#previous}${middle}${hash}${closing}${text}}`);
    this.#previous = hash;
  }

  /** Keeps the commits before `step`. @throws UserError when the chain is broken before that point. */
  async rewindTo(step: number): Promise<void> {
    await this.#file.sync();
    let end = 0;
    let previous = firstPrevious(this.#runId);
    try {
      for await (const entry of readLedger(this.#file.path, this.#runId)) {
        if (entry.record.step >= step) break;
        end = entry.end;
        previous = entry.hash;
      }
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      throw new UserError({
        what: error.message,
        mend: "the record of this run cannot be trusted; start a new run with another --run-id",
        cause: error,
      });
    }
    await this.#file.truncate(end);
    this.#previous = previous;
    await this.#file.sync();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** A crash can spoil the line that was being written, and no other. */
  #continueFrom(log: (line: string) => void): string {
    for (const attempt of ["last", "line before it"]) {
      const text = this.#file.lastLine();
      if (text === undefined) return firstPrevious(this.#runId);
      const entry = parseLine(text);
      if (entry) return entry.hash;
      if (attempt !== "last") break;
      log("the last line of the ledger is damaged; it was cut off");
      this.#file.cutLastLine();
    }
    throw new UserError({
      what: "the ledger is damaged before its last line",
      where: this.#file.path,
      mend: "the record of this run cannot be trusted; start a new run with another --run-id",
    });
  }
}

const opening = '{"previous":"';
const middle = '","hash":"';
const closing = '","record":';
const linePattern = /^\{"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","record":(.*)\}$/s;

function parseLine(text: string): { previous: string; hash: string; record: CommitRecord } | undefined {
  const [, previous, hash, record] = linePattern.exec(text) ?? [];
  if (previous === undefined || hash === undefined || record === undefined) return undefined;
  if (sha256(`${previous}\n${record}`) !== hash) return undefined;
  // The hash holds, so this is the text that `append` wrote, and it had that shape.
  return { previous, hash, record: JSON.parse(record) as CommitRecord };
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
