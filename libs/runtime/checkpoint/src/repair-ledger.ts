import { createReadStream, createWriteStream, existsSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Ledger } from "./ledger.ts";
import type { SealRecord } from "./ledger-line.ts";
import { LedgerError, readLedger } from "./read-ledger.ts";
import { makesVoid, type TimelineRecord } from "@latentweave/protocol";

/** What a run that goes on needs to know of its record. */
export interface LedgerFacts {
  /** It tells of steps at all, or was found damaged: then it decides which checkpoints may be gone on from. */
  readonly decides: boolean;
  /** With the number of the line. */
  readonly timelines: readonly { readonly number: number; readonly record: TimelineRecord }[];
  /** The newest of each version. */
  readonly seals: ReadonlyMap<number, { readonly number: number; readonly record: SealRecord }>;
}

/**
 * Reads the whole ledger before a run goes on. From the first damaged line on it cannot be trusted: that part is put
 * aside in a file beside it, and the run goes on from a checkpoint that the rest vouches for, so that its record is
 * whole again in the end.
 */
export async function readOrRepair(
  ledger: Ledger,
  runId: string,
  log: (line: string) => void,
): Promise<LedgerFacts> {
  await ledger.sync();
  const timelines: { number: number; record: TimelineRecord }[] = [];
  const seals = new Map<number, { number: number; record: SealRecord }>();
  let decides = false;
  try {
    for await (const { number, record } of readLedger(ledger.path, runId)) {
      decides ||= record.kind !== "seal";
      if (record.kind === "timeline") timelines.push({ number, record });
      if (record.kind === "seal") seals.set(record.version, { number, record });
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    decides = true;
    const aside = await putAside(ledger.path, error.end);
    await ledger.cutDamage(error.end);
    log(`${error.summary}; the ledger from there on was put aside as ${path.basename(aside)}`);
  }
  return { decides, timelines, seals };
}

async function putAside(file: string, from: number): Promise<string> {
  let number = 1;
  const name = (): string => file.replace(/\.jsonl$/, `.damaged-${number}.jsonl`);
  while (existsSync(name())) number += 1;
  await pipeline(
    createReadStream(file, { start: from }),
    createWriteStream(name(), { flags: "wx", flush: true }),
  );
  return name();
}

/** Why a checkpoint must not be gone on from, or undefined. */
export function refusalOf(facts: LedgerFacts, nextStep: number, version: number): string | undefined {
  // A record that was taken away altogether says nothing; verify tells that it is missing.
  if (!facts.decides) return undefined;
  if (version > nextStep) return `the ledger ends at step ${nextStep}, before it`;
  const sealedAt = facts.seals.get(version)?.number ?? 0;
  const conviction = facts.timelines.find(
    ({ number, record }) => makesVoid(record) && record.fromVersion < version && sealedAt < number,
  );
  return conviction && `it is void: ${conviction.record.detail}`;
}
