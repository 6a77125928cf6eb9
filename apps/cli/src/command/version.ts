import { readFileSync } from "node:fs";

/** From the package's manifest, which lies beside src and dist alike. */
export function packageVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "latentweave" && version !== undefined) return version;
    } catch {
      // Not there: from source this file lies one folder deeper than in the bundle.
    }
  }
  return "unknown";
}
