import type { LoadedBackend } from "@latentweave/compute";
import { encodeNpy, readInputs } from "@latentweave/datasets";
import type { DataSource } from "@latentweave/job";
import { cacheDirectory, UserError } from "@latentweave/protocol";
import { inferRows, outputPlace } from "./infer-rows.ts";
import { loadModel } from "./load-model.ts";
import type { OpenedRun, OpenedTask } from "./open-run.ts";

export interface EncodeOptions {
  readonly run: OpenedRun;
  readonly task: OpenedTask;
  /** Paths are relative to the current folder. */
  readonly source: DataSource;
  readonly of: "latent" | "reconstruction";
  readonly backend: LoadedBackend;
  readonly log: (line: string) => void;
}

export interface EncodedRows {
  readonly rows: number;
  /** Of one row. */
  readonly shape: readonly number[];
  /** [rows, ...shape] */
  readonly values: Float32Array;
}

/** @throws UserError when the task has no latent, or the data do not fit the ones that it was trained on */
export async function encodeRows({
  run,
  task,
  source,
  of,
  backend,
  log,
}: EncodeOptions): Promise<EncodedRows> {
  const place = outputPlace(run, task, of);
  if (!place)
    throw new UserError({
      what: `the task "${task.name}" has no ${of}`,
      where: `run ${run.runId}`,
      mend: of === "latent" ? "choose another task" : "its job has reconstruction: false; write the latent",
    });
  const inputs = await readInputs(source, task.manifest, {
    baseDirectory: process.cwd(),
    cacheDirectory: cacheDirectory(process.env),
    log,
  });
  const compute = await loadModel(run, backend);
  try {
    const values = await inferRows(compute, place, inputs);
    return { rows: inputs.rows, shape: place.shape, values };
  } finally {
    await compute.close();
  }
}

export function toNpy({ rows, shape, values }: EncodedRows): Uint8Array {
  return encodeNpy([rows, ...shape], values);
}

/** A header line and a line per row; numbers as short as they can be without losing a bit of float32. */
export function toCsv({ rows, values }: EncodedRows, of: EncodeOptions["of"]): string {
  const width = rows === 0 ? 0 : values.length / rows;
  const lines = [Array.from({ length: width }, (_, index) => `${of}_${index}`).join(",")];
  for (let row = 0; row < rows; row++)
    lines.push(Array.from(values.subarray(row * width, (row + 1) * width), shortest).join(","));
  return `${lines.join("\n")}\n`;
}

function shortest(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
