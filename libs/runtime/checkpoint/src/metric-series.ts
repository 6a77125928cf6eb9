import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { type RunStore } from "@latentweave/protocol";
import { diskError } from "./disk-error.ts";
import { syncDirectory } from "./durable-file.ts";
import { LineFile, readLines } from "./line-file.ts";

export type SeriesName = Parameters<RunStore["appendMetric"]>[0];

/** One file of measurements: a JSON object per line. */
export class MetricSeries {
  readonly #file: LineFile;

  constructor(directory: string, name: SeriesName) {
    this.#file = LineFile.open(path.join(directory, `${name}.jsonl`)).file;
  }

  append(row: Readonly<Record<string, unknown>>): void {
    this.#file.append(JSON.stringify(row));
  }

  /** Drops rows with a `step` of at least `step`; rows are not in order of step, so the file is written anew. */
  async rewindTo(step: number): Promise<void> {
    await this.#file.sync();
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
