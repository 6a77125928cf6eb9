import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ownCommand } from "./own-command.ts";

/**
 * Tells one build of this program from another: 16 hexadecimal digits of a SHA-256 over the files that its processes and
 * threads begin with. Those name all that they load by its content.
 */
export function programDigest(): string {
  const directory = path.dirname(ownCommand().args[0] as string);
  const hash = createHash("sha256");
  const files = readdirSync(directory).filter((name) => /^(?!chunk-).*\.c?js$/.test(name));
  for (const name of files.sort()) hash.update(`${name}\0`).update(readFileSync(path.join(directory, name)));
  return hash.digest("hex").slice(0, 16);
}
