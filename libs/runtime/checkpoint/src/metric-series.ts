import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { type RunStore } from "@latentweave/protocol";
import { diskError } from "./disk-error.ts";
import type { DiskPatience } from "./disk-patience.ts";
import { syncDirectory } from "./durable-file.ts";
import { LineFile, readLines } from "./line-file.ts";

export type SeriesName = Parameters<RunStore["appendMetric"]>[0];

/**
 * Every process reports on every step: in a large fleet a write for each would take the coordinator a good part of its
 * time. A kill loses no more than this of them.
 */
const gatherMs = 100;
const mostGatheredRows = 1_000;
/** A leader waits with its next step when as many as 64 commits are not acknowledged. */
const mostLeftRows = 128;

/** One file of measurements: a JSON object per line. */
export class MetricSeries {
  readonly #file: LineFile;
  /** Of the busiest series rows are gathered; the others, of a few rows a step, are written as they come. */
  readonly #gathers: boolean;
  #rows: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, name: SeriesName, patience: DiskPatience) {
    this.#file = LineFile.open(path.join(directory, `${name}.jsonl`), patience).file;
    this.#gathers = name === "workers";
  }

  /** @throws the failure of an earlier write: UserError on a full disk. */
  append(row: Readonly<Record<string, unknown>>): void {
    const text = JSON.stringify(row);
    if (!this.#gathers) {
      this.#file.append(text);
      return;
    }
    this.#rows.push(text);
    if (this.#rows.length >= mostGatheredRows) this.#hand();
    else this.#timer ??= setTimeout(() => this.#handLater(), gatherMs);
  }

  /** To the file what was gathered. */
  #hand(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length > 0) this.#file.append(rows.join("\n"));
  }

  #handLater(): void {
    try {
      this.#hand();
    } catch {
      // The file keeps its failure: whoever appends or syncs next is told.
    }
  }

  /**
   * Of a series that was just opened and whose rows are in order of step: drops the last ones, with a `step` of at
   * least `step`. Where there are more than a killed process can have left, they are another's loss, and stay.
   */
  cutFrom(step: number): void {
    let rows = 0;
    for (const text of this.#file.backwards()) {
      if (stepOf(text) < step) break;
      rows += 1;
      if (rows > mostLeftRows) return;
    }
    for (let row = 0; row < rows; row++) this.#file.cutLastLine();
  }

  /** All rows of the series so far are with the operating system. */
  written(): Promise<void> {
    return this.#file.written();
  }

  /** Drops rows with a `step` of at least `step`; rows are not in order of step, so the file is written anew. */
  async rewindTo(step: number): Promise<void> {
    await this.sync();
    const file = this.#file.path;
    const temporary = `${file}.rewinding`;
    try {
      let dropped = 0;
      await pipeline(
        async function* () {
          for await (const { text } of readLines(file))
            if (stepOf(text) < step) yield `${text}\n`;
            else dropped += 1;
        },
        createWriteStream(temporary, { flush: true }),
      );
      if (dropped === 0) return await rm(temporary);
      await rename(temporary, file);
      await syncDirectory(path.dirname(file));
      await this.#file.reopen();
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw diskError(error, file);
    }
  }

  async sync(): Promise<void> {
    this.#hand();
    await this.#file.sync();
  }

  async close(): Promise<void> {
    try {
      this.#hand();
    } finally {
      await this.#file.close();
    }
  }
}

/** −∞ for rows without a step, which say what happened by the clock and stay. */
function stepOf(text: string): number {
  try {
    const row: unknown = JSON.parse(text);
    if (typeof row === "object" && row !== null && "step" in row && typeof row.step === "number")
      return row.step;
  } catch {
    return Number.POSITIVE_INFINITY; // damaged, so it is dropped like what follows the cut
  }
  return Number.NEGATIVE_INFINITY;
}
