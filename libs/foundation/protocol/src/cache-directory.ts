import os from "node:os";
import path from "node:path";

/** Where downloads, the native runtime and prepared data are kept between runs, outside any checkout. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.LATENTWEAVE_CACHE) return path.resolve(env.LATENTWEAVE_CACHE);
  if (env.XDG_CACHE_HOME) return path.join(env.XDG_CACHE_HOME, "latentweave");
  return path.join(os.homedir(), ".cache", "latentweave");
}
