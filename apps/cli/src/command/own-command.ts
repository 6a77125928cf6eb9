import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How to start this very program again: this Node, the bundle that lies beside or (from source) in dist. */
export function ownCommand(): { readonly command: string; readonly args: readonly string[] } {
  const candidates = ["./main.js", "../../dist/main.js"].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const main = candidates.find((file) => existsSync(file));
  if (main === undefined) throw new Error(`the program's own bundle is not at ${candidates.join(" or ")}`);
  return { command: process.execPath, args: [main] };
}
