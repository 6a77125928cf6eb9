import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";

/** What processes and controller note down while faults strike; times in milliseconds since 1970. */
export type JournalLine =
  /** A fault struck; the line was written just before. */
  | {
      readonly kind: "struck";
      readonly fault: number;
      readonly atMs: number;
      readonly process: string;
      readonly pid: number;
      readonly step: number;
      readonly moment: string | null;
    }
  /** A wrong answer after the first. */
  | { readonly kind: "again"; readonly fault: number; readonly atMs: number; readonly step: number }
  /** A fault that lasts is over. */
  | { readonly kind: "over"; readonly fault: number; readonly atMs: number }
  /** It cannot be done on this machine, or could not. */
  | { readonly kind: "skipped"; readonly fault: number; readonly atMs: number; readonly reason: string }
  /** A process ended; `how` in words. */
  | { readonly kind: "ended"; readonly process: string; readonly atMs: number; readonly how: string }
  /** The run itself had ended and was taken up with `--resume`, as a person would. */
  | { readonly kind: "taken-up"; readonly atMs: number; readonly reason: string }
  /** Seen on the run's live stream; `isGap`: among those that were made while nobody answered. */
  | { readonly kind: "commit"; readonly step: number; readonly atMs: number; readonly isGap: boolean }
  | {
      readonly kind: "event";
      readonly atMs: number;
      readonly level: "info" | "warning" | "error";
      readonly text: string;
    };

/**
 * Appends a line, synchronously: it is in the file before the writer's next instruction, which may be its last.
 * A line is shorter than what the system writes in one piece, so those of several processes do not mix.
 */
export function writeJournal(file: string, line: JournalLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Whole lines; nothing where there is no file yet. */
export function readJournal(file: string): readonly JournalLine[] {
  return readLines(file) as readonly JournalLine[];
}

/** Reads a growing journal: each call gives the whole lines that came since the last. */
export function followJournal(file: string): () => readonly JournalLine[] {
  let position = 0;
  return () => {
    let handle: number;
    try {
      handle = openSync(file, "r");
    } catch {
      return [];
    }
    try {
      const { size } = fstatSync(handle);
      if (size <= position) return [];
      const bytes = Buffer.alloc(size - position);
      const length = readSync(handle, bytes, 0, bytes.length, position);
      const end = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
      position += end;
      return parseLines(bytes.toString("utf8", 0, end)) as readonly JournalLine[];
    } finally {
      closeSync(handle);
    }
  };
}

/** A micro-batch whose computation began. */
export interface ComputedLine {
  readonly atMs: number;
  readonly worker: string;
  readonly step: number;
  readonly round: number;
  readonly task: string;
  readonly slot: number;
}

export function writeComputed(file: string, line: ComputedLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

export function readComputed(file: string): readonly ComputedLine[] {
  return readLines(file) as readonly ComputedLine[];
}

/** Milliseconds since 1970 by a clock that no fault turns. */
export function steadyWallMs(): number {
  return performance.timeOrigin + performance.now();
}

function readLines(file: string): readonly unknown[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return parseLines(text.slice(0, text.lastIndexOf("\n") + 1));
}

function parseLines(text: string): readonly unknown[] {
  return text.split("\n").flatMap((line): unknown[] => (line === "" ? [] : [JSON.parse(line)]));
}
