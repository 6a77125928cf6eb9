import { randomUUID } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import type { MappedWeights, MicroBatch, MicroBatchResult } from "@latentweave/model";
import { addons, ensureAddon } from "@latentweave/native";
import { vaultDirectories } from "@latentweave/vault";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import { inputNumbers, sharedModel } from "../testing/models.ts";
import { nativeBackend } from "../testing/native.ts";
import { ModelRuntime } from "./model-runtime.ts";
import { allocateParameterMemory } from "./parameter-memory.ts";

let native: LoadedBackend;
beforeAll(async () => {
  const addon = await ensureAddon(addons.pageMap);
  if (addon.kind === "unavailable") throw new Error(addon.reason);
  native = await nativeBackend();
});

const model = sharedModel();
const [directory = ""] = vaultDirectories();
const files: string[] = [];
afterAll(() => {
  for (const file of files) rmSync(file, { force: true });
});

/** A file as shards keep them: a word, then two versions of each group of the shard. */
class Shard {
  readonly weights: MappedWeights;
  readonly #fd: number;

  constructor(groups: readonly number[]) {
    const file = `latentweave-vault-test-${randomUUID()}`;
    files.push(path.join(directory, file));
    let end = 16_384;
    const slices = groups.map((group) => {
      const { numbers } = model.layout.groups[group] as (typeof model.layout.groups)[number];
      const bytes = Math.ceil((numbers * 4) / 16_384) * 16_384;
      const at = [end, end + bytes] as const;
      end += 2 * bytes;
      return { group, start: 0, numbers, at };
    });
    this.#fd = openSync(path.join(directory, file), "w+");
    writeSync(this.#fd, Buffer.alloc(end), 0, end, 0);
    this.weights = { file, writingAt: 80, slices };
  }

  write(version: number, range: number): void {
    for (const { group, start, values } of someParameters(model, range))
      for (const slice of this.weights.slices)
        if (slice.group === group) {
          const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
          writeSync(this.#fd, bytes, 0, bytes.length, slice.at[(version & 1) as 0 | 1] + start * 4);
        }
    this.writing(version);
  }

  writing(version: number): void {
    const word = Buffer.alloc(8);
    word.writeBigInt64LE(BigInt(version));
    writeSync(this.#fd, word, 0, 8, this.weights.writingAt);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const withoutMapping = ({ mapped: _, ...batch }: MicroBatch): MicroBatch => batch;

const start = async (): Promise<ModelRuntime> =>
  await ModelRuntime.create(native.tf, model, allocateParameterMemory(model.layout));

/** With weights that were set, and no program: what every other way has to come to. */
async function expected(step: number, range: number): Promise<MicroBatchResult> {
  const runtime = await start();
  runtime.write(someParameters(model, range));
  const result = await runtime.run(someBatch({ task: "one", samples: 4, step }, inputNumbers));
  runtime.dispose();
  return result;
}

describe("weights that are read where shards have them", () => {
  const groups = model.layout.groups.map(({ index }) => index);

  it("give the bits of weights that were set, version after version, operation by operation and as a program", async () => {
    const shards = [
      new Shard(groups.filter((i) => i % 2 === 0)),
      new Shard(groups.filter((i) => i % 2 === 1)),
    ];
    const runtime = await start();
    for (const [index, shard] of shards.entries()) expect(runtime.map(index, shard.weights)).toBeUndefined();
    for (let step = 0; step < 7; step += 1) {
      const range = 0.1 + step / 10;
      for (const shard of shards) shard.write(step, range);
      const batch = someBatch({ task: "one", samples: 4, step, mapped: 1 }, inputNumbers);
      const { gradients, metrics, overwritten } = await runtime.run(batch);
      const wanted = await expected(step, range);
      expect(gradients).toEqual(wanted.gradients);
      expect(metrics).toEqual(wanted.metrics);
      expect(overwritten).toBeUndefined();
      // Set weights are found as they were, in between.
      if (step === 4) {
        runtime.write(someParameters(model, 0.05));
        const set = await runtime.run(withoutMapping(batch));
        expect(set.gradients).toEqual((await expected(step, 0.05)).gradients);
      }
    }
    runtime.dispose();
    for (const shard of shards) shard.close();
  });

  it("say so when a shard has begun to write the version after the next over them", async () => {
    const shard = new Shard(groups);
    const runtime = await start();
    runtime.map(0, shard.weights);
    shard.write(3, 0.3);
    const batch = someBatch({ task: "one", samples: 4, step: 3, mapped: 1 }, inputNumbers);
    shard.writing(4);
    expect((await runtime.run(batch)).overwritten).toBeUndefined();
    shard.writing(5);
    expect((await runtime.run(batch)).overwritten).toBe(true);
    runtime.dispose();
    shard.close();
  });

  it("are those of a shard's new file once it is mapped, and outlive the name of the old one", async () => {
    const before = new Shard(groups);
    const after = new Shard(groups);
    const runtime = await start();
    runtime.map(0, before.weights);
    before.write(2, 0.3);
    rmSync(path.join(directory, before.weights.file));
    before.close();
    const batch = someBatch({ task: "one", samples: 4, step: 2, mapped: 1 }, inputNumbers);
    expect((await runtime.run(batch)).gradients).toEqual((await expected(2, 0.3)).gradients);
    after.write(2, 0.6);
    expect(runtime.map(0, after.weights)).toBeUndefined();
    expect((await runtime.run(batch)).gradients).toEqual((await expected(2, 0.6)).gradients);
    runtime.dispose();
    after.close();
  });

  it.each<[string, (weights: MappedWeights) => MappedWeights, string]>([
    ["another name", (weights) => ({ ...weights, file: "../etc/passwd" }), "not the name of a vault"],
    ["a file that is not there", (weights) => ({ ...weights, file: "latentweave-vault-none" }), "ENOENT"],
    [
      "a place beyond the end",
      (weights) => ({ ...weights, slices: weights.slices.map((slice) => ({ ...slice, at: [0, 1 << 30] })) }),
      "the file has",
    ],
    ["a word beyond the end", (weights) => ({ ...weights, writingAt: 1 << 30 }), "the file has"],
    [
      "a place that is no page's beginning",
      (weights) => ({ ...weights, slices: weights.slices.map((slice) => ({ ...slice, at: [8, 16] })) }),
      "EINVAL",
    ],
    [
      "other parameters",
      (weights) => ({ ...weights, slices: [{ group: 99, start: 0, numbers: 16, at: [16_384, 32_768] }] }),
      "it has other parameters",
    ],
  ])("are refused with %s", async (_, change, reason) => {
    const shard = new Shard(groups);
    const runtime = await start();
    expect(runtime.map(0, change(shard.weights))).toContain(reason);
    runtime.dispose();
    shard.close();
  });
});
