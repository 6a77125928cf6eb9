import { readdirSync, statSync } from "node:fs";
import path from "node:path";

/** Bytes of all files below a folder; files that vanish meanwhile count nothing. */
export function directoryBytes(directory: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += statSync(path.join(entry.parentPath, entry.name)).size;
    }
  } catch {
    return bytes;
  }
  return bytes;
}
