/** What the figures were measured on. */
import { execFileSync } from "node:child_process";
import os from "node:os";
import { latentweave, root } from "./own-command.mjs";

/** @returns {Promise<object>} nothing in it names a place or a person */
export async function describeMachine() {
  const doctor = JSON.parse(await latentweave(["doctor", "--json"]));
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git(["rev-parse", "--short", "HEAD"]),
    system: `${doctor.system.name}, ${doctor.system.platform}`,
    cpu: `${os.cpus()[0]?.model.trim() ?? "unknown"}, ${doctor.cpu.instructionSet}`,
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    node: process.version,
    tensorflow: doctor.native.state === "ready" ? doctor.native.tensorflow : null,
  };
}

/** Processes that wanted to run over the last minute; what else runs now, when asked before the first measurement. */
export function loadNow() {
  return os.loadavg()[0];
}

function git(args) {
  try {
    return execFileSync("git", args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
