import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LedgerRecord } from "./ledger-line.ts";
import { ledgerFile, type LedgerEntry, readCommits, readLedger } from "./read-ledger.ts";
import { commit, openStore, smallLayout, writeCheckpoint } from "./testing/small-run.ts";

async function entries(directory: string, runId = "run-a"): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = [];
  for await (const entry of readLedger(ledgerFile(directory), runId)) all.push(entry);
  return all;
}

async function kinds(directory: string): Promise<string[]> {
  return (await entries(directory)).map(({ record }) => named(record));
}

function named(record: LedgerRecord): string {
  if (record.kind === "commit") return `step ${record.step}`;
  if (record.kind === "start") return "start";
  return `${record.kind} ${record.kind === "timeline" ? record.timeline : record.version}`;
}

/** Steps in effect, with the timeline of each. */
async function inEffect(directory: string): Promise<[number, number][]> {
  const steps: [number, number][] = [];
  for await (const { record } of readCommits(ledgerFile(directory), "run-a"))
    steps.push([record.step, record.timeline]);
  return steps;
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
    expect(read.map(({ record }) => record)).toEqual(
      Array.from({ length: 300 }, (_, step) => ({ kind: "commit", ...commit(step) })),
    );
    expect(read[0]?.hash).toBe("9e978908e63af8e1dcdbe43bd534e30073d56af2bff75687acb7b50494b01d9b");
  });

  it("goes on with the chain when it is opened again", async () => {
    const { directory } = await ledgerOf(3);
    const { store } = openStore({ directory });
    store.appendCommit(commit(3));
    await store.close();
    expect(await kinds(directory)).toEqual(["step 0", "step 1", "step 2", "step 3"]);
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

  it("writes no commit twice, none of a timeline that is over, and none that leaves a gap", async () => {
    const { directory } = await ledgerOf(3);
    const { store } = openStore({ directory });
    expect(store.ledgerEnd).toEqual({ timeline: 0, nextStep: 3 });
    expect(store.appendCommit(commit(2))).toBe(false);
    expect(() => store.appendCommit(commit(4))).toThrow(/does not follow: the ledger expects step 3 of 0/);
    expect(store.appendCommit(commit(3))).toBe(true);
    await store.appendTimeline({ timeline: 2, fromVersion: 1, reason: "recovered", detail: "" });
    expect(store.appendCommit(commit(4))).toBe(false);
    expect(store.appendCommit(commit(1, 0.5, 2))).toBe(true);
    expect(() => store.appendCommit(commit(2, 0.5, 3))).toThrow(/does not follow/);
    await store.close();
    expect(await kinds(directory)).toEqual([
      ...["step 0", "step 1", "step 2", "step 3", "timeline 2", "step 1"],
    ]);
  });

  it("writes the digest of a version once per timeline, also when it is opened again", async () => {
    const { store, directory } = openStore();
    const digest = "ab".repeat(32);
    for (const version of [0, 1, 1, 0, 2]) store.appendVersion({ version, timeline: 0, digest });
    await store.close();
    const again = openStore({ directory }).store;
    for (const version of [1, 2, 3]) again.appendVersion({ version, timeline: 0, digest });
    await again.appendTimeline({ timeline: 1, fromVersion: 1, reason: "resumed", detail: "" });
    again.appendVersion({ version: 3, timeline: 0, digest });
    again.appendVersion({ version: 1, timeline: 1, digest });
    await again.close();
    expect(await kinds(directory)).toEqual([
      ...["version 0", "version 1", "version 2", "version 3", "timeline 1", "version 1"],
    ]);
  });

  it("keeps what was computed before a timeline, and says which commits are in effect", async () => {
    const { directory } = await ledgerOf(6);
    const { store } = openStore({ directory });
    await store.appendTimeline({ timeline: 1, fromVersion: 3, reason: "recovered", detail: "host b" });
    for (const step of [3, 4]) store.appendCommit(commit(step, 0.5, 1));
    await store.appendTimeline({ timeline: 2, fromVersion: 4, reason: "convicted", detail: "w" });
    store.appendCommit(commit(4, 0.5, 2));
    await store.close();
    expect(await kinds(directory)).toHaveLength(6 + 3 + 2);
    expect(await inEffect(directory)).toEqual([
      ...[0, 1, 2].map((step) => [step, 0]),
      ...[[3, 1]],
      ...[[4, 2]],
    ]);
    expect(openStore({ directory }).store.ledgerEnd).toEqual({ timeline: 2, nextStep: 5 });
  });

  it("says when what was appended so far is in the file", async () => {
    const { store, directory } = openStore();
    for (let step = 0; step < 50; step++) {
      store.appendCommit(commit(step));
      if (step % 7 === 0) {
        await store.recorded();
        // Read through a descriptor of its own: what another process would see now.
        expect(readFileSync(ledgerFile(directory), "utf8").trimEnd().split("\n")).toHaveLength(step + 1);
      }
    }
  });

  it("is sealed before a checkpoint gets its name", async () => {
    const { store, directory } = openStore();
    store.appendCommit(commit(0));
    await writeCheckpoint(store, smallLayout, 1);
    const manifest = readFileSync(path.join(directory, "checkpoints", "step-00000001", "manifest.json"));
    const [, seal] = await entries(directory);
    expect(seal?.record).toMatchObject({
      kind: "seal",
      version: 1,
      manifest: createHash("sha256").update(manifest).digest("hex"),
    });
    await store.close();
  });

  it("says first what spec and job each process found that went on with it", async () => {
    const { directory } = await ledgerOf(1);
    writeFileSync(path.join(directory, "spec.json"), "{}");
    const { store } = openStore({ directory });
    store.appendCommit(commit(1));
    await store.close();
    expect(await kinds(directory)).toEqual(["step 0", "start", "step 1"]);
    const { record } = (await entries(directory))[1] as LedgerEntry;
    expect(record).toEqual({
      kind: "start",
      spec: createHash("sha256").update("{}").digest("hex"),
      job: null,
    });
  });

  it("tells a ledger of another format from a damaged one, for reading and for writing", async () => {
    const { directory, file } = await ledgerOf(1);
    const previous = createHash("sha256").update("latentweave ledger 1\nrun-a").digest("hex");
    const record = '{"step":0}';
    const hash = createHash("sha256").update(`${previous}\n${record}`).digest("hex");
    writeFileSync(file, `{"previous":"${previous}","hash":"${hash}","record":${record}}\n`);
    await expect(entries(directory)).rejects.toThrow(/this run's record has format 1/);
    expect(() => openStore({ directory })).toThrow(/this run's record has format 1/);
  });
});

describe("a run that goes on", () => {
  const sealed = async (versions: readonly number[]): Promise<{ directory: string; file: string }> => {
    const { store, directory } = openStore();
    for (let step = 0; step < 8; step++) {
      store.appendCommit(commit(step));
      if (versions.includes(step + 1)) await writeCheckpoint(store, smallLayout, step + 1);
    }
    await store.close();
    return { directory, file: ledgerFile(directory) };
  };

  it("puts aside a damaged part of its record and takes the checkpoint that the rest vouches for", async () => {
    const { directory, file } = await sealed([2, 6]);
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, whole.replace('"step":4,', '"step":9,'));
    const { store, lines } = openStore({ directory });
    expect((await store.latestCheckpoint())?.version).toBe(2);
    expect(lines).toEqual([
      expect.stringMatching(/line 6: changed or damaged.*put aside as commits\.damaged-1\.jsonl/),
      "checkpoint step-00000006 is passed over: the ledger ends at step 4, before it",
    ]);
    await store.close();
    expect(await inEffect(directory)).toEqual([0, 1, 2, 3].map((step) => [step, 0]));
    const aside = readFileSync(file.replace(".jsonl", ".damaged-1.jsonl"), "utf8");
    expect(readFileSync(file, "utf8") + aside).toBe(whole.replace('"step":4,', '"step":9,'));
  });

  it("never takes a checkpoint that a conviction made void, until it is made again", async () => {
    const { directory } = await sealed([2, 6]);
    const { store, lines } = openStore({ directory });
    await store.appendTimeline({ timeline: 1, fromVersion: 4, reason: "convicted", detail: "w lied" });
    expect((await store.latestCheckpoint())?.version).toBe(2);
    expect(lines).toEqual(["checkpoint step-00000006 is passed over: the ledger ends at step 4, before it"]);
    for (const step of [4, 5]) store.appendCommit(commit(step, 0.5, 1));
    await store.close();
    const after = openStore({ directory });
    expect((await after.store.latestCheckpoint())?.version).toBe(2);
    expect(after.lines).toEqual(["checkpoint step-00000006 is passed over: it is void: w lied"]);
    await writeCheckpoint(after.store, smallLayout, 6);
    await after.store.close();
    expect((await openStore({ directory }).store.latestCheckpoint())?.version).toBe(6);
  });

  it("trusts its checkpoints when its record was taken away altogether", async () => {
    const { directory, file } = await sealed([2]);
    rmSync(file);
    expect((await openStore({ directory }).store.latestCheckpoint())?.version).toBe(2);
  });
});

describe("the ledger in haste", () => {
  it("holds the caller back instead of memory when lines come faster than the disk takes them", async () => {
    const { store, directory } = openStore();
    const wide = { ...commit(0), phase: "x".repeat(100_000) };
    for (let step = 0; step < 200; step++) store.appendCommit({ ...wide, step });
    // Not one turn of the event loop has passed: what is not in the file yet is in memory.
    const written = statSync(path.join(directory, "ledger", "commits.jsonl")).size;
    await store.close();
    const whole = statSync(path.join(directory, "ledger", "commits.jsonl")).size;
    expect(whole - written).toBeLessThanOrEqual(1 << 20);
    expect(await kinds(directory)).toEqual(Array.from({ length: 200 }, (_, step) => `step ${step}`));
  });
});
