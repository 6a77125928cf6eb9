import { open } from "node:fs/promises";
import path from "node:path";
import { type CommitRecord, makesVoid } from "@latentweave/protocol";
import { createMemoryStore, type IndexStore, openDiskStore } from "./index-store.ts";
import { type ParsedLine, parseLine } from "./ledger-line.ts";
import { type LedgerEntry, LedgerError, ledgerFile, readLedger } from "./read-ledger.ts";
import { readExactly } from "./safetensors-file.ts";

/** Finds the commit of a step, and the digest of a version, without reading the record from its beginning. */
export interface LedgerIndex {
  /** The next step of the newest timeline: all before it are in effect. */
  readonly nextStep: number;
  /** The commit in effect. @throws LedgerError when its line has changed since it was written */
  commit(step: number): Promise<CommitRecord | undefined>;
  /** Version digest; undefined where the record has none. */
  digest(version: number): string | undefined;
  /** A checkpoint of this version was made, and no conviction has made it void since. */
  isSealed(version: number): boolean;
  close(): Promise<void>;
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly number: number;
}

/** How far the record was read; it only ever grows, unless damage was put aside. */
interface Reached extends Place {
  readonly format: number;
  readonly runId: string;
  readonly hash: string;
  readonly nextStep: number;
}

/** Raised with every change of what the tables hold. */
const indexFormat = 1;

/**
 * Opens the index of a run's record, after reading what the record has gained since it was last opened. The index is
 * nothing but a copy: where it is missing, damaged, or of a record that is no longer there, it is made again; where it
 * cannot be kept on the disk, it lives in memory.
 * @throws as readLedger
 */
export async function openLedgerIndex(directory: string, runId: string): Promise<LedgerIndex> {
  const file = ledgerFile(directory);
  const store = await openDiskStore(path.dirname(file)).catch(() => createMemoryStore());
  try {
    return await catchUp(store, file, runId);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function catchUp(store: IndexStore, file: string, runId: string): Promise<LedgerIndex> {
  let reached = store.get("reached", 0) as Reached | undefined;
  if (!reached || !(await stillEndsThere(file, runId, reached))) {
    store.clear();
    reached = undefined;
  }
  const from = reached;
  for await (const entries of inBatches(readLedger(file, runId, from)))
    store.transaction(() => {
      for (const entry of entries) reached = take(store, entry, runId, reached?.nextStep ?? 0);
      store.put("reached", 0, reached);
    });
  // A folder that cannot be written still has a whole index in memory, or in the pages of the file.
  await store.save().catch(() => undefined);
  return {
    nextStep: reached?.nextStep ?? 0,
    async commit(step) {
      const place = store.get("steps", step) as Place | undefined;
      if (!place) return undefined;
      const line = await readLine(file, place);
      if (line?.record.kind === "commit" && line.record.step === step) return line.record;
      throw new LedgerError(file, place.number, place.start, "changed or damaged since it was written");
    },
    digest: (version) => store.get("digests", version) as string | undefined,
    isSealed: (version) => store.get("seals", version) === true,
    close: () => store.close(),
  };
}

function take(
  store: IndexStore,
  { number, record, hash, start, end }: LedgerEntry,
  runId: string,
  nextStep: number,
): Reached {
  const reached = { format: indexFormat, runId, number, hash, start, end };
  const note = (version: number, digest: string): void => {
    if (digest !== "") store.put("digests", version, digest);
  };
  switch (record.kind) {
    case "commit":
      store.put("steps", record.step, { start, end, number } satisfies Place);
      note(record.step, record.digest);
      return { ...reached, nextStep: record.step + 1 };
    case "version":
      note(record.version, record.digest);
      return { ...reached, nextStep };
    case "seal":
      store.put("seals", record.version, true);
      return { ...reached, nextStep };
    case "timeline":
      if (makesVoid(record)) store.removeFrom("seals", record.fromVersion + 1);
      store.removeFrom("steps", record.fromVersion);
      store.removeFrom("digests", record.fromVersion + 1);
      return { ...reached, nextStep: record.fromVersion };
    case "start":
      return { ...reached, nextStep };
  }
}

/** Enough for a transaction to cost little per line, few enough to be held in memory. */
const batchLines = 512;

async function* inBatches(entries: AsyncIterable<LedgerEntry>): AsyncGenerator<LedgerEntry[]> {
  let batch: LedgerEntry[] = [];
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < batchLines) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function stillEndsThere(file: string, runId: string, reached: Reached): Promise<boolean> {
  if (reached.format !== indexFormat || reached.runId !== runId) return false;
  return (await readLine(file, reached).catch(() => undefined))?.hash === reached.hash;
}

async function readLine(file: string, { start, end }: Place): Promise<ParsedLine | undefined> {
  const handle = await open(file, "r");
  try {
    const bytes = new Uint8Array(end - start);
    await readExactly(handle, bytes, start);
    return parseLine(Buffer.from(bytes).toString("utf8", 0, bytes.byteLength - 1));
  } finally {
    await handle.close();
  }
}
