import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import packagesLock from "../packages-lock.json" with { type: "json" };
import { runCommand } from "../run-command.ts";
import { newAttempt } from "./attempts.ts";
import { done, failure, type StageContext, type StageResult } from "./stage.ts";

/** Where the npm package lies in a runtime's folder. */
export function packageDirectory(directory: string): string {
  return path.join(directory, "node_modules", "@tensorflow", "tfjs-node-gpu");
}

/**
 * npm packages, from the lock file that is part of this program; no install scripts are run. Each try has a folder of
 * its own: where a setup was killed, its npm may live on for a while and must not meet the next one.
 */
export async function installPackages(context: StageContext): Promise<StageResult> {
  const { directory } = context;
  const attempt = newAttempt(directory);
  const root = packagesLock.packages[""];
  const manifest = { name: root.name, version: root.version, private: true, dependencies: root.dependencies };
  writeFileSync(path.join(attempt, "package.json"), JSON.stringify(manifest, null, 2));
  writeFileSync(path.join(attempt, "package-lock.json"), JSON.stringify(packagesLock, null, 2));
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = await runCommand("npm", args, { cwd: attempt, logFile: context.logFile, env: context.env });
  if (result.kind === "done") {
    rmSync(path.join(directory, "node_modules"), { recursive: true, force: true });
    for (const name of ["node_modules", "package.json"]) {
      renameSync(path.join(attempt, name), path.join(directory, name));
    }
  }
  rmSync(attempt, { recursive: true, force: true });
  return result.kind === "done" ? done : failure("npm could not install @tensorflow/tfjs-node-gpu", result);
}
