import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { diskError, errorCode } from "./disk-error.ts";

/**
 * Two coordinators that write one run would spoil its ledger. The lock is a file with the holder's identity; one whose
 * holder is gone (kill -9, a reboot, another container that reuses its number) is taken over. On a shared disk a
 * holder on another host cannot be asked, so its lock holds until it is removed.
 */
export function lockRun(directory: string): () => void {
  const file = path.join(directory, ".lock");
  const own = JSON.stringify(identity(process.pid));
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      fs.writeFileSync(file, own, { flag: "wx" });
      return () => {
        if (readText(file) !== own) return;
        try {
          fs.rmSync(file, { force: true });
        } catch {
          // A disk that has become read-only keeps it: it holds nothing once this process is gone.
        }
      };
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw diskError(error, file);
    }
    const held = readText(file);
    const holder = held === undefined ? undefined : parse(held);
    if (holder && held !== own && isAlive(holder))
      throw new UserError({
        what: `this run is in use by process ${holder.pid} on ${holder.host}`,
        where: directory,
        mend: `stop that process first; if there is none, remove ${file}`,
      });
    fs.rmSync(file, { force: true });
  }
  throw new UserError({ what: "another process keeps taking this run", where: directory, mend: "try again" });
}

interface Identity {
  readonly pid: number;
  readonly host: string;
  /** Differs between two processes that had the same number one after the other; empty where the system tells none. */
  readonly started: string;
}

function identity(pid: number): Identity {
  return { pid, host: os.hostname(), started: startedAt(pid) };
}

function isAlive(holder: Identity): boolean {
  if (holder.host !== os.hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
  }
  return startedAt(holder.pid) === holder.started && !isEnding(holder.pid);
}

/** Boot and start time in clock ticks, from Linux' /proc. */
function startedAt(pid: number): string {
  const boot = readText("/proc/sys/kernel/random/boot_id")?.trim();
  const stat = readStat(pid);
  if (boot === undefined || stat === undefined) return "";
  return `${boot} ${stat[19] ?? ""}`;
}

/** PF_EXITING of the kernel's task flags. */
const exiting = 4;

/** Killed, but still in the table: its last pages are being freed, or its parent has not asked how it ended. */
function isEnding(pid: number): boolean {
  const stat = readStat(pid);
  if (stat === undefined) return false;
  const [state = "", , , , , , flags = "0"] = stat;
  return "ZXx".includes(state) || (Number(flags) & exiting) !== 0;
}

/** The line of /proc that describes a process, from its third field on; undefined where the system has none. */
function readStat(pid: number): readonly string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command's name, in parentheses, may hold spaces.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function parse(text: string): Identity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { pid, host, started } = value as Record<string, unknown>;
    if (typeof pid !== "number" || typeof host !== "string" || typeof started !== "string") return undefined;
    return { pid, host, started };
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
