import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LedgerEntry, readLedger } from "./ledger.ts";
import { commit, openStore } from "./testing/small-run.ts";

async function entries(directory: string, runId = "run-a"): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = [];
  for await (const entry of readLedger(path.join(directory, "ledger", "commits.jsonl"), runId))
    all.push(entry);
  return all;
}

async function ledgerOf(steps: number): Promise<{ directory: string; file: string }> {
  const { store, directory } = openStore();
  for (let step = 0; step < steps; step++) store.appendCommit(commit(step));
  await store.close();
  return { directory, file: path.join(directory, "ledger", "commits.jsonl") };
}

describe("the ledger", () => {
  it("keeps every commit in order, chained", async () => {
    const { directory } = await ledgerOf(300);
    const read = await entries(directory);
    expect(read.map(({ record }) => record)).toEqual(Array.from({ length: 300 }, (_, step) => commit(step)));
    expect(read[0]?.hash).toBe("768806b42152b0eae0e9bbbdd8114a3e6dc7eaeaec33b8e14909a078b685ab47");
  });

  it("goes on with the chain when it is opened again", async () => {
    const { directory } = await ledgerOf(3);
    const { store } = openStore({ directory });
    store.appendCommit(commit(3));
    await store.close();
    expect((await entries(directory)).map(({ record }) => record.step)).toEqual([0, 1, 2, 3]);
  });

  it("notices a change in any byte before its last line's end", async () => {
    const { directory, file } = await ledgerOf(4);
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.byteLength - 2), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Buffer.from(whole);
        changed[at] = (whole[at] ?? 0) ^ mask;
        writeFileSync(file, changed);
        await expect(entries(directory)).rejects.toThrow(/line \d/);
      }),
      { numRuns: 200 },
    );
  });

  it("notices a line that was taken out, moved or brought from another run", async () => {
    const { directory, file } = await ledgerOf(4);
    const [a, b, c, d] = readFileSync(file, "utf8").trimEnd().split("\n");
    for (const lines of [
      [b, c, d],
      [a, c, d],
      [a, c, b, d],
    ]) {
      writeFileSync(file, `${lines.join("\n")}\n`);
      await expect(entries(directory)).rejects.toThrow(/does not continue the line before it/);
    }
    writeFileSync(file, `${a}\n`);
    await expect(entries(directory, "run-b")).rejects.toThrow(/line 1: does not continue/);
  });

  it("cuts off a torn last line of any length and goes on", async () => {
    const { directory, file } = await ledgerOf(3);
    const whole = readFileSync(file);
    const secondLast = whole.lastIndexOf("\n", whole.byteLength - 2) + 1;
    for (const length of [secondLast + 1, secondLast + 150, whole.byteLength - 1]) {
      writeFileSync(file, whole.subarray(0, length));
      const { store, lines } = openStore({ directory });
      store.appendCommit(commit(2));
      await store.close();
      expect(readFileSync(file)).toEqual(whole);
      expect(lines).toEqual([expect.stringMatching(/ended in \d+ bytes of an unfinished line/)]);
    }
  });

  it("cuts off a damaged last line, but no more than one", async () => {
    const { directory, file } = await ledgerOf(3);
    const whole = readFileSync(file);
    appendFileSync(file, Buffer.from([0xff, 0x00, 0x0a]));
    const { store, lines } = openStore({ directory });
    await store.close();
    expect(readFileSync(file)).toEqual(whole);
    expect(lines).toEqual(["the last line of the ledger is damaged; it was cut off"]);
    appendFileSync(file, "nonsense\nnonsense\n");
    expect(() => openStore({ directory })).toThrow(/damaged before its last line/);
  });

  it("goes back to before a step and repeats the rest to the same bytes", async () => {
    const { directory, file } = await ledgerOf(20);
    const whole = readFileSync(file);
    const { store } = openStore({ directory });
    await store.rewindTo(12);
    expect((await entries(directory)).map(({ record }) => record.step)).toEqual([...Array(12).keys()]);
    for (let step = 12; step < 20; step++) store.appendCommit(commit(step));
    await store.close();
    expect(readFileSync(file)).toEqual(whole);
  });

  it("does not go back on a record that cannot be trusted", async () => {
    const { directory, file } = await ledgerOf(5);
    writeFileSync(file, readFileSync(file, "utf8").replace('"step":1', '"step":7'));
    const { store } = openStore({ directory });
    await expect(store.rewindTo(4)).rejects.toThrow(/line 2: changed or damaged/);
  });

  it("holds the caller back instead of memory when lines come faster than the disk takes them", async () => {
    const { store, directory } = openStore();
    const wide = { ...commit(0), phase: "x".repeat(100_000) };
    for (let step = 0; step < 200; step++) store.appendCommit({ ...wide, step });
    // Not one turn of the event loop has passed: what is not in the file yet is in memory.
    const written = statSync(path.join(directory, "ledger", "commits.jsonl")).size;
    await store.close();
    const whole = statSync(path.join(directory, "ledger", "commits.jsonl")).size;
    expect(whole - written).toBeLessThanOrEqual(1 << 20);
    expect((await entries(directory)).map(({ record }) => record.step)).toEqual([...Array(200).keys()]);
  });
});
