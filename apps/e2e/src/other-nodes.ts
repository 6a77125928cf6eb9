import { execFileSync } from "node:child_process";
import path from "node:path";
import { root } from "./command.ts";

/** The program of another version of Node.js, from npm's `node` package, brought into the cache on first use. */
export function otherNode(major: number): string {
  const script = path.join(root, "tools/ci/node-versions.mjs");
  return execFileSync(process.execPath, [script, String(major)], { encoding: "utf8" }).trim();
}
