import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { JobInput } from "@latentweave/job";
import { cacheDirectory } from "@latentweave/protocol";

/** What is trained: the model that PyTorch DDP gets too (pytorch_ddp.py). */
export const benchModel = {
  /** Of an autoencoder with a linear latent; ReLU elsewhere, logits at the end. */
  widths: [784, 512, 32, 512, 784],
  parameters: 837_424,
  /** Samples of each worker in each step. */
  batch: 256,
} as const;

/** More steps than anybody waits for: runs are ended by time. */
const steps = 10_000_000;
const quiet = { steps, evaluate: { everySteps: 0 }, checkpoints: { everySteps: 0 } };

/** One micro-batch a step for each worker. @param directory of the rows (`writeRows`) */
export function trainingJob(workers: number, directory: string): JobInput {
  const [inputs, hidden, latent, back] = benchModel.widths;
  return {
    name: "bench",
    tasks: {
      rows: {
        data: { npy: { x: rowsFile(directory, inputs) } },
        encoder: [
          { kind: "dense", units: hidden, activation: "relu" },
          { kind: "dense", units: latent },
        ],
        decoder: [
          { kind: "dense", units: back, activation: "relu" },
          { kind: "dense", units: inputs, activation: "sigmoid" },
        ],
        reconstruction: { loss: "bce" },
        microBatch: benchModel.batch,
        slots: workers,
      },
    },
    model: { kind: "private" },
    optimiser: { kind: "adam", learningRate: 0.001 },
    compute: { threads: 1 },
    ...quiet,
  };
}

const exchangeWidth = 4;

/** About as many parameters as asked for, of which nothing but their number matters. */
export function exchangeJob(numbers: number, workers: number, directory: string): JobInput {
  // Weights and biases there and back.
  const units = Math.max(1, Math.round((numbers - exchangeWidth) / (2 * exchangeWidth + 1)));
  return {
    name: "bench-exchange",
    tasks: {
      rows: {
        data: { npy: { x: rowsFile(directory, exchangeWidth) } },
        encoder: [{ kind: "dense", units, activation: "relu" }],
        decoder: [{ kind: "dense", units: exchangeWidth, activation: "sigmoid" }],
        reconstruction: { loss: "bce" },
        microBatch: 1,
        slots: workers,
      },
    },
    model: { kind: "private" },
    optimiser: { kind: "adam", learningRate: 0.001 },
    compute: { threads: 1 },
    ...quiet,
  };
}

const rowsFile = (directory: string, width: number): string => path.join(directory, `rows-${width}.npy`);
/** Enough for the slots of many workers. */
const rows = 8_192;

/**
 * Made-up rows of bytes, always the same ones, in the cache: nothing has to be fetched, and they are prepared once.
 * @returns the folder
 */
export async function writeRows(): Promise<string> {
  const directory = path.join(cacheDirectory(), "bench");
  await mkdir(directory, { recursive: true });
  for (const width of [benchModel.widths[0], exchangeWidth]) {
    const file = rowsFile(directory, width);
    if (existsSync(file)) continue;
    const partial = `${file}.${process.pid}`;
    await writeFile(partial, npyOfBytes(rows, width));
    await rename(partial, file);
  }
  return directory;
}

const magic = "\x93NUMPY\x01\x00";
const alignment = 64;

/** NumPy's format, version 1.0: dtype |u1, shape [count, width]. */
function npyOfBytes(count: number, width: number): Buffer {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${count}, ${width}), }`;
  const before = magic.length + 2;
  const padded = header.padEnd(alignment * Math.ceil((before + header.length + 1) / alignment) - before - 1);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length + 1);
  // Numerical Recipes' generator: arithmetic takes as long for any numbers, these only have to be there.
  let state = 1;
  const bytes = Buffer.alloc(count * width);
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return Buffer.concat([Buffer.from(magic, "latin1"), length, Buffer.from(`${padded}\n`, "latin1"), bytes]);
}
