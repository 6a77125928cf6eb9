import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The live page, one self-contained file beside the bundle; undefined when it was not built. */
export function dashboardFile(): string | undefined {
  return ["./dashboard/index.html", "../../dist/dashboard/index.html"]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((file) => existsSync(file));
}
