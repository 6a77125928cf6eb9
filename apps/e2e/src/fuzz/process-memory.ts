import { readdirSync, readFileSync } from "node:fs";
import { markName } from "../command.ts";

/** The process of a started command that does this part of its work. @throws Error where there is none */
export function processOf(mark: string, verb: "coordinator" | "parameter-server" | "worker"): number {
  const found = readdirSync("/proc").find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return environment.includes(`${markName}=${mark}`) && args.includes(verb);
    } catch {
      return false; // gone meanwhile
    }
  });
  if (found === undefined) throw new Error(`no ${verb} of ${mark} is running`);
  return Number(found);
}

export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes) * 1024;
}
