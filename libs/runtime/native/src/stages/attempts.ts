import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

const attemptPrefix = "attempt-";

/** A folder for one try of one stage. */
export function newAttempt(directory: string): string {
  const attempt = path.join(directory, `${attemptPrefix}${randomUUID()}`);
  mkdirSync(attempt, { recursive: true });
  return attempt;
}

/**
 * Removes what earlier setups left; called by the only setup at work, before its stages. What a killed setup's
 * children still write to cannot always be removed: the next setup tries again.
 */
export function removeAttempts(directory: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names.filter((text) => text.startsWith(attemptPrefix))) {
    try {
      rmSync(path.join(directory, name), { recursive: true, force: true });
    } catch {
      continue;
    }
  }
}
