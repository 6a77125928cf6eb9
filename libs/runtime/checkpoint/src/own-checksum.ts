import { sha256 } from "./ledger-line.ts";

/**
 * JSON files that tell when any byte of them has changed: the last field, `checksum`, is the SHA-256 of the file itself
 * with those 64 digits written as zeros.
 */
export function withOwnChecksum(table: object): string {
  const blank = `${JSON.stringify({ ...table, checksum: zeros }, undefined, 2)}\n`;
  return replaced(blank, sha256(blank));
}

/** The text of such a file, or undefined when it is not, byte for byte, what was written. */
export function textWithOwnChecksum(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString("utf8");
  const at = position(text);
  if (at === undefined) return undefined;
  const claimed = text.slice(at, at + 64);
  // Compared as bytes: invalid UTF-8 would otherwise be read as something else than it is.
  const same = Buffer.from(text, "utf8").equals(bytes) && sha256(replaced(text, zeros)) === claimed;
  return same ? text : undefined;
}

const zeros = "0".repeat(64);
const field = '"checksum": "';

function position(text: string): number | undefined {
  const at = text.lastIndexOf(field);
  return at < 0 ? undefined : at + field.length;
}

function replaced(text: string, checksum: string): string {
  const at = position(text) ?? 0;
  return text.slice(0, at) + checksum + text.slice(at + 64);
}
