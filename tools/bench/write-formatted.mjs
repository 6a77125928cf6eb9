/** Writes a file of this checkout as the rest of the repository is formatted, so that lint finds nothing to say. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { format, resolveConfig } from "prettier";
import { root } from "./own-command.mjs";

/** @param name of the file, from the checkout's root on */
export async function writeFormatted(name, text) {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
  console.log(`written: ${name}`);
}
