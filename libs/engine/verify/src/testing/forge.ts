import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LedgerRecord } from "@latentweave/checkpoint";

/** Changes the records of the made run and chains them anew, as somebody who knows the format could. */
export function forge(
  directory: string,
  change: (records: readonly LedgerRecord[]) => readonly LedgerRecord[],
  format = 3,
): void {
  const file = path.join(directory, "ledger", "commits.jsonl");
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const records = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { record: LedgerRecord }).record);
  let previous = sha256(`latentweave ledger ${format}\nmade`);
  const lines = change(records).map((record) => {
    const json = JSON.stringify(record);
    const hash = sha256(`${previous}\n${json}`);
    const text = `{"previous":"${previous}","hash":"${hash}","record":${json}}\n`;
    previous = hash;
    return text;
  });
  writeFileSync(file, lines.join(""));
}
