import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** Memory first (macOS has no memory file system: its folder for temporary files), then the run's own folder. */
export function vaultDirectories(runDirectory?: string): string[] {
  const memory = "/dev/shm";
  const first = fs.existsSync(memory) ? memory : os.tmpdir();
  return runDirectory === undefined ? [first] : [first, path.resolve(runDirectory)];
}
