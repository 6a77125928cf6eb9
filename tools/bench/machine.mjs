/** What the figures were measured on. */
import { execFileSync } from "node:child_process";
import os from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { latentweave, root } from "./own-command.mjs";

/**
 * @param known what `latentweave doctor --json` said, where it was asked already
 * @returns {Promise<object>} nothing in it names a place or a person
 */
export async function describeMachine(known) {
  const doctor = known ?? JSON.parse(await latentweave(["doctor", "--json"]));
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

const lookMs = 2_000;

/**
 * How much of this machine other programs keep from us, looked at for two seconds before the first measurement: the load
 * average would still tell of what ran a minute ago.
 * @returns {Promise<number>} cores, from 0 to all of them
 */
export async function coresInUse() {
  const before = spentMs();
  await wait(lookMs);
  const after = spentMs();
  return (os.availableParallelism() * (after.busy - before.busy)) / (after.all - before.all);
}

/** Above this share of the cores, something else is running, and figures mean little. */
const quietShare = 0.15;

/** @param inUse as `coresInUse` says */
export function isBusy(inUse) {
  return inUse > quietShare * os.availableParallelism();
}

/** Milliseconds of all cores together since the machine started. */
function spentMs() {
  let busy = 0;
  let all = 0;
  for (const { times } of os.cpus()) {
    const spent = times.user + times.nice + times.sys + times.irq;
    busy += spent;
    all += spent + times.idle;
  }
  return { busy, all };
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
