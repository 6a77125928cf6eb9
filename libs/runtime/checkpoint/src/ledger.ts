import {
  type CommitRecord,
  type LedgerEnd,
  type TimelineRecord,
  UserError,
  type VersionRecord,
} from "@latentweave/protocol";
import {
  encodeLine,
  firstPrevious,
  type LedgerRecord,
  parseLine,
  type SealRecord,
  type StartRecord,
} from "./ledger-line.ts";
import type { DiskPatience } from "./disk-patience.ts";
import { LineFile } from "./line-file.ts";
import { refuseOtherFormat } from "./read-ledger.ts";

/**
 * The ledger as its one writer sees it.
 *
 * 1. Lines are only ever appended; what a crash left unfinished at the end is cut off when it is opened.
 * 2. Commits of a timeline come in order of steps, without gaps and never twice; so do the digests of versions.
 */
export class Ledger {
  readonly #file: LineFile;
  readonly #runId: string;
  /** Written before the first line of this process, then forgotten. */
  #start: StartRecord | undefined;
  #previous: string;
  #end: LedgerEnd;
  /** Newest version whose digest this timeline has. */
  #lastVersion: number;

  /** Cuts off what a crash left half-written and says so to `log`. @throws UserError when the folder is not writable. */
  constructor(
    path: string,
    runId: string,
    start: StartRecord | undefined,
    log: (line: string) => void,
    patience: DiskPatience,
  ) {
    const { file, tornBytes } = LineFile.open(path, patience);
    if (tornBytes > 0) log(`the ledger ended in ${tornBytes} bytes of an unfinished line; they were cut off`);
    this.#file = file;
    this.#runId = runId;
    this.#start = start;
    refuseOtherFormat(path, file.firstLine(), runId);
    this.#previous = this.#continueFrom(log);
    const { end, lastVersion } = endOf(file.backwards());
    this.#end = end;
    this.#lastVersion = lastVersion;
  }

  get path(): string {
    return this.#file.path;
  }

  get end(): LedgerEnd {
    return this.#end;
  }

  /** @returns whether it was new. @throws RangeError when steps before it are missing. */
  appendCommit(record: CommitRecord): boolean {
    const { timeline, nextStep } = this.#end;
    if (record.timeline < timeline || (record.timeline === timeline && record.step < nextStep)) return false;
    if (record.timeline > timeline || record.step > nextStep)
      throw new RangeError(
        `step ${record.step} of timeline ${record.timeline} does not follow: the ledger expects step ${nextStep} of ${timeline}`,
      );
    this.#append({ kind: "commit", ...record });
    this.#end = { timeline, nextStep: nextStep + 1 };
    return true;
  }

  appendVersion(record: VersionRecord): void {
    if (record.timeline !== this.#end.timeline || record.version <= this.#lastVersion) return;
    this.#append({ kind: "version", ...record });
    this.#lastVersion = record.version;
  }

  /** @throws RangeError when it is not newer than the one before. */
  appendTimeline(record: TimelineRecord): void {
    if (record.timeline <= this.#end.timeline)
      throw new RangeError(`timeline ${record.timeline} does not follow timeline ${this.#end.timeline}`);
    this.#append({ kind: "timeline", ...record });
    this.#end = { timeline: record.timeline, nextStep: record.fromVersion };
    this.#lastVersion = -1;
  }

  appendSeal(record: SealRecord): void {
    this.#append({ kind: "seal", ...record });
  }

  /** Removes what lies beyond `bytes`, the end of a line: damage that was found and put aside. */
  async cutDamage(bytes: number): Promise<void> {
    await this.#file.truncate(bytes);
    this.#previous = this.#continueFrom(() => undefined);
    const { end, lastVersion } = endOf(this.#file.backwards());
    this.#end = end;
    this.#lastVersion = lastVersion;
    await this.#file.sync();
  }

  written(): Promise<void> {
    return this.#file.written();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #append(record: LedgerRecord): void {
    const start = this.#start;
    this.#start = undefined;
    if (start) this.#append({ kind: "start", ...start });
    const { text, hash } = encodeLine(this.#previous, record);
    this.#file.append(text);
    this.#previous = hash;
  }

  /** A crash can spoil the line that was being written, and no other. */
  #continueFrom(log: (line: string) => void): string {
    for (const text of this.#file.backwards()) {
      const line = parseLine(text);
      if (line) return line.hash;
      log("the last line of the ledger is damaged; it was cut off");
      this.#file.cutLastLine();
      const [before] = this.#file.backwards();
      const lineBefore = before === undefined ? undefined : parseLine(before);
      if (lineBefore) return lineBefore.hash;
      if (before === undefined) break;
      throw new UserError({
        what: "the ledger is damaged before its last line",
        where: this.#file.path,
        mend: "the record of this run cannot be trusted; start a new run with another --run-id",
      });
    }
    return firstPrevious(this.#runId);
  }
}

/** From the last lines alone: a commit and a timeline's beginning both say where the ledger stands. */
function endOf(backwards: Iterable<string>): { readonly end: LedgerEnd; readonly lastVersion: number } {
  let end: LedgerEnd | undefined;
  let lastVersion = -1;
  let lines = 0;
  for (const text of backwards) {
    const record = parseLine(text)?.record;
    if (record?.kind === "version") lastVersion = Math.max(lastVersion, record.version);
    if (record?.kind === "commit") end ??= { timeline: record.timeline, nextStep: record.step + 1 };
    if (record?.kind === "timeline") {
      end ??= { timeline: record.timeline, nextStep: record.fromVersion };
      break;
    }
    // A version's digest follows its step at once, or never comes.
    if (end && (lastVersion >= 0 || ++lines > mostLinesBack)) break;
  }
  return { end: end ?? { timeline: 0, nextStep: 0 }, lastVersion };
}

const mostLinesBack = 256;
