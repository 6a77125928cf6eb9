import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { type RunStore } from "@latentweave/protocol";
import { diskError } from "./disk-error.ts";
import type { DiskPatience } from "./disk-patience.ts";
import { syncDirectory } from "./durable-file.ts";
import { type Gathering, LineFile, readLines } from "./line-file.ts";

export type SeriesName = Parameters<RunStore["appendMetric"]>[0];

/**
 * Every process reports on every step: in a large fleet a write for a few of them would take the coordinator a good part
 * of its time. A kill loses no more than this of them.
 */
const ofEveryProcess: Gathering = { forMs: 100, lines: 1_000 };
/** A leader waits with its next step when as many as 64 commits are not acknowledged. */
const mostLeftRows = 128;

/** One file of measurements: a JSON object per line. */
export class MetricSeries {
  readonly #file: LineFile;

  constructor(directory: string, name: SeriesName, patience: DiskPatience) {
    const gathering = name === "workers" ? ofEveryProcess : undefined;
    this.#file = LineFile.open(path.join(directory, `${name}.jsonl`), patience, gathering).file;
  }

  /** @throws the failure of an earlier write: UserError on a full disk. */
  append(row: Readonly<Record<string, unknown>>): void {
    this.#file.append(JSON.stringify(row));
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

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
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
