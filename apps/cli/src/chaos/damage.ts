import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type FaultOf, type KeyedRandom, keyedRandom, pick } from "@latentweave/faults";

/**
 * Spoils a file of a run that nobody runs: a random bit of it flipped, or the file cut short at a random byte.
 * @param number of the fault in its plan: what is random follows from it
 * @returns what was done, in words; undefined where there was nothing to spoil
 */
export async function damage(
  directory: string,
  fault: FaultOf<"damage-checkpoint" | "damage-ledger">,
  number: number,
): Promise<string | undefined> {
  const random = keyedRandom(number);
  const target =
    fault.do === "damage-ledger" ? await lastLine(directory) : await newestCheckpoint(directory, random);
  if (target === undefined) return undefined;
  const { file, from } = target;
  const bytes = await readFile(file);
  if (bytes.length <= from) return undefined;
  const place = from + Math.floor(random("byte") * (bytes.length - from));
  if (fault.how === "truncate") await writeFile(file, bytes.subarray(0, place));
  else {
    bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random("bit") * 8));
    await writeFile(file, bytes);
  }
  const name = path.relative(directory, file);
  return fault.how === "truncate"
    ? `${name} cut at byte ${place}`
    : `a bit of byte ${place} of ${name} flipped`;
}

interface Target {
  readonly file: string;
  /** Bytes before this one are left alone. */
  readonly from: number;
}

async function newestCheckpoint(directory: string, random: KeyedRandom): Promise<Target | undefined> {
  const checkpoints = path.join(directory, "checkpoints");
  const newest = (await readdir(checkpoints).catch((): string[] => []))
    .filter((name) => name.startsWith("step-"))
    .sort()
    .at(-1);
  if (newest === undefined) return undefined;
  const files = (await readdir(path.join(checkpoints, newest))).sort();
  return { file: path.join(checkpoints, newest, pick(random, "file", files)), from: 0 };
}

/** What a crash may spoil: the end. What lies before it was synced with a checkpoint, and only `verify` finds it. */
async function lastLine(directory: string): Promise<Target | undefined> {
  const file = path.join(directory, "ledger", "commits.jsonl");
  const text = await readFile(file, "latin1").catch(() => "");
  if (text.length < 2) return undefined;
  return { file, from: text.lastIndexOf("\n", text.length - 2) + 1 };
}
