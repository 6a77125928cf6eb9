import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openLedgerIndex } from "./ledger-index.ts";
import { commit, openStore, smallLayout, writeCheckpoint } from "./testing/small-run.ts";

const digest = (version: number): string => String(version).padStart(64, "0");

async function ledgerOf(steps: number): Promise<string> {
  const { store, directory } = openStore();
  for (let step = 0; step < steps; step++) store.appendCommit({ ...commit(step), digest: digest(step) });
  await store.close();
  return directory;
}

/** Loss of each step, as the index finds it. */
async function losses(directory: string): Promise<(number | undefined)[]> {
  const index = await openLedgerIndex(directory, "run-a");
  const found: (number | undefined)[] = [];
  for (let step = 0; step < index.nextStep; step++)
    found.push((await index.commit(step))?.tasks[0]?.metrics.loss);
  expect(await index.commit(index.nextStep)).toBeUndefined();
  await index.close();
  return found;
}

const plain = (steps: number): number[] => Array.from({ length: steps }, (_, step) => 1 / (step + 1));

describe("the index of a ledger", () => {
  it("finds the commit of any step", async () => {
    const directory = await ledgerOf(1200);
    expect(await losses(directory)).toEqual(plain(1200));
    expect(existsSync(path.join(directory, "ledger", "index.mdb"))).toBe(true);
  });

  it("follows a ledger that grows and that begins timelines", async () => {
    const directory = await ledgerOf(4);
    expect(await losses(directory)).toEqual(plain(4));
    const { store } = openStore({ directory });
    store.appendVersion({ version: 4, timeline: 0, digest: digest(4) });
    await store.appendTimeline({ timeline: 1, fromVersion: 2, reason: "recovered", detail: "" });
    store.appendCommit({ ...commit(2, 7, 1), digest: digest(2) });
    await store.recorded();
    expect(await losses(directory)).toEqual([1, 1 / 2, 7]);
    const index = await openLedgerIndex(directory, "run-a");
    expect([1, 2, 3, 4].map((version) => index.digest(version))).toEqual([
      digest(1),
      digest(2),
      undefined,
      undefined,
    ]);
    await index.close();
  });

  it("knows which checkpoints were made, and which of them a conviction made void", async () => {
    const directory = await ledgerOf(0);
    const { store } = openStore({ directory });
    for (const step of [0, 1, 2]) {
      store.appendCommit(commit(step));
      await writeCheckpoint(store, smallLayout, step + 1);
    }
    const sealed = async (): Promise<number[]> => {
      await store.recorded();
      const index = await openLedgerIndex(directory, "run-a");
      const found = [0, 1, 2, 3, 4].filter((version) => index.isSealed(version));
      await index.close();
      return found;
    };
    expect(await sealed()).toEqual([1, 2, 3]);
    await store.appendTimeline({ timeline: 1, fromVersion: 2, reason: "recovered", detail: "" });
    expect(await sealed()).toEqual([1, 2, 3]);
    await store.appendTimeline({ timeline: 2, fromVersion: 1, reason: "convicted", detail: "" });
    expect(await sealed()).toEqual([1]);
  });

  it("is made again when any of its bytes has changed, or it was cut", async () => {
    const directory = await ledgerOf(20);
    await losses(directory);
    const file = path.join(directory, "ledger", "index.mdb");
    const size = readFileSync(file).byteLength;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(size - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, mask, cut) => {
          const bytes = readFileSync(file);
          bytes[at] = (bytes[at] ?? 0) ^ mask;
          writeFileSync(file, cut ? bytes.subarray(0, at) : bytes);
          expect(await losses(directory)).toEqual(plain(20));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("is made again when the ledger is another one or shorter than it was", async () => {
    const directory = await ledgerOf(20);
    await losses(directory);
    const file = path.join(directory, "ledger", "commits.jsonl");
    const lines = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, `${lines.slice(0, 5).join("\n")}\n`);
    expect(await losses(directory)).toEqual(plain(5));
  });

  it("does not hide that a line has changed", async () => {
    const directory = await ledgerOf(20);
    await losses(directory);
    const file = path.join(directory, "ledger", "commits.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replace('"step":3,', '"step":4,'));
    const index = await openLedgerIndex(directory, "run-a");
    await expect(index.commit(3)).rejects.toThrow(/line 4: changed or damaged/);
    await index.close();
  });

  it("lives in memory where its file cannot be", async () => {
    const directory = await ledgerOf(20);
    mkdirSync(path.join(directory, "ledger", "index.mdb", "in the way"), { recursive: true });
    expect(await losses(directory)).toEqual(plain(20));
  });

  it("plays no part in going on with the run", async () => {
    const directory = await ledgerOf(3);
    await losses(directory);
    writeFileSync(path.join(directory, "ledger", "index.mdb"), "nonsense");
    const { store } = openStore({ directory });
    store.appendCommit({ ...commit(3), digest: digest(3) });
    await store.close();
    expect(await losses(directory)).toEqual(plain(4));
  });
});
