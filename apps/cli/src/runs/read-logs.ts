import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { formatClock } from "../show/numbers.ts";
import { awaitsCoordinator, runHolder } from "./run-holder.ts";

export interface LogLine {
  /** `events`, or the file's name without `.log`. */
  readonly process: string;
  readonly text: string;
}

export interface LogReading {
  readonly directory: string;
  /** One process alone. */
  readonly process?: string;
  /** Of each process, from the end. */
  readonly lines: number;
}

/** Quick enough to feel live, slow enough to cost nothing. */
const followPollMs = 250;

/** @throws UserError when the named process wrote nothing, with those that did */
export async function readLogs({ directory, process, lines }: LogReading): Promise<LogLine[]> {
  const tails = (await findTails(directory)).filter((tail) => wanted(tail, process));
  requireSome(tails, directory, process, await findTails(directory));
  const found: LogLine[] = [];
  for (const tail of tails) found.push(...(await tail.read()).slice(-lines || Number.POSITIVE_INFINITY));
  return lines === 0 ? [] : found;
}

/** Prints the ends of the logs, then what comes, until nobody writes the run any more. */
export async function followLogs(reading: LogReading, print: (line: LogLine) => void): Promise<void> {
  const tails = new Map<string, Tail>();
  for (let first = true; ; first = false) {
    const isOver = runHolder(reading.directory) === undefined && !awaitsCoordinator(reading.directory);
    for (const tail of await findTails(reading.directory))
      if (wanted(tail, reading.process) && !tails.has(tail.process)) tails.set(tail.process, tail);
    for (const tail of tails.values()) {
      const lines = await tail.read();
      for (const line of first ? lastOf(lines, reading.lines) : lines) print(line);
    }
    if (isOver) return;
    await wait(followPollMs);
  }
}

function lastOf(lines: readonly LogLine[], count: number): readonly LogLine[] {
  return count === 0 ? [] : lines.slice(-count);
}

function wanted(tail: Tail, process: string | undefined): boolean {
  return process === undefined || tail.process === process;
}

function requireSome(
  tails: readonly Tail[],
  directory: string,
  process: string | undefined,
  all: readonly Tail[],
): void {
  if (tails.length > 0 || process === undefined) return;
  const names = all.map((tail) => tail.process);
  const close = nearest(process, names);
  throw new UserError({
    what: `no process "${process}" wrote a log`,
    where: directory,
    ...(names.length === 0 ? {} : { expected: `one of ${names.join(", ")}` }),
    ...(close === undefined ? {} : { mend: `did you mean "${close}"?` }),
  });
}

async function findTails(directory: string): Promise<Tail[]> {
  const folder = path.join(directory, "logs");
  const names = await readdir(folder).catch((): string[] => []);
  const logs = names
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name) => new Tail(path.join(folder, name), name.slice(0, -4), (text) => text));
  return [new Tail(path.join(directory, "metrics", "events.jsonl"), "events", formatEvent), ...logs];
}

/** Reads a growing file line by line: each call gives the whole lines that came since the last. */
class Tail {
  readonly process: string;
  readonly #file: string;
  readonly #format: (text: string) => string;
  #position = 0;

  constructor(file: string, process: string, format: (text: string) => string) {
    this.#file = file;
    this.process = process;
    this.#format = format;
  }

  async read(): Promise<LogLine[]> {
    const handle = await open(this.#file, "r").catch(() => undefined);
    if (!handle) return [];
    try {
      const { size } = await handle.stat();
      if (size <= this.#position) return [];
      const bytes = Buffer.alloc(size - this.#position);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, this.#position);
      const end = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
      this.#position += end;
      const lines = bytes.toString("utf8", 0, end).split("\n").slice(0, -1);
      return lines.map((text) => ({ process: this.process, text: this.#format(text) }));
    } finally {
      await handle.close();
    }
  }
}

function formatEvent(line: string): string {
  try {
    const { atMs, level, text } = JSON.parse(line) as { atMs: number; level: string; text: string };
    return `${formatClock(atMs)} ${level === "info" ? "" : `${level}: `}${text}`;
  } catch {
    return line;
  }
}
