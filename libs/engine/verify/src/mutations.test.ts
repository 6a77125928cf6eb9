import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRun } from "./testing/made-run.ts";
import { verifyRun } from "./verify-run.ts";

/** Repeats with another seed: LATENTWEAVE_SEED=2. */
const seed = Number(process.env.LATENTWEAVE_SEED ?? "1");

/** mulberry32: small, and the same everywhere. */
function random(state: number): () => number {
  let at = state | 0;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe(`two hundred random changes of a single byte (seed ${seed})`, () => {
  let directory = "";
  const files: { readonly file: string; readonly bytes: Buffer }[] = [];

  beforeAll(async () => {
    directory = path.join(mkdtempSync(path.join(os.tmpdir(), "latentweave-mutate-")), "made");
    await makeRun(directory);
    const names = ["run.json", "spec.json", "job.json", path.join("ledger", "commits.jsonl")];
    for (const step of readdirSync(path.join(directory, "checkpoints")))
      for (const name of readdirSync(path.join(directory, "checkpoints", step)))
        names.push(path.join("checkpoints", step, name));
    expect(names).toHaveLength(4 + 3 * 3);
    for (const name of names) {
      const file = path.join(directory, name);
      files.push({ file, bytes: readFileSync(file) });
    }
  });
  afterAll(() => rmSync(path.dirname(directory), { recursive: true, force: true }));

  it("are each found", async () => {
    const draw = random(seed);
    const missed: string[] = [];
    for (let round = 0; round < 200; round++) {
      // Every file in turn, so that small ones are not left out; the place in it, and the new byte, by chance.
      const { file, bytes } = files[round % files.length] as (typeof files)[number];
      const at = Math.floor(draw() * bytes.byteLength);
      const mask = 1 + Math.floor(draw() * 255);
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] ?? 0) ^ mask;
      writeFileSync(file, changed);
      const outcome = await verifyRun(directory).then(
        ({ consistent }) => consistent,
        (error: unknown) => (error instanceof UserError ? false : String(error)),
      );
      if (outcome !== false)
        missed.push(`${path.relative(directory, file)}, byte ${at} ^ ${mask}: ${outcome}`);
      writeFileSync(file, bytes);
    }
    expect(missed).toEqual([]);
    expect((await verifyRun(directory)).consistent).toBe(true);
  }, 60_000);
});
