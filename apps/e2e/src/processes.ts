import { readdirSync, readFileSync } from "node:fs";
import { markName } from "./command.ts";

export interface MarkedProcess {
  readonly pid: number;
  readonly args: readonly string[];
}

/** Processes that were started, directly or not, by the command that carries this mark. */
export function processesWith(mark: string): MarkedProcess[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      if (!environment.includes(`${markName}=${mark}`)) return [];
      return [
        { pid: Number(pid), args: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1) },
      ];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** The process that a launcher calls `coordinator`, `shard-0`, `worker-1` ... @throws Error where there is none */
export function processOf(mark: string, name: string): number {
  const found = processesWith(mark).find(({ args }) => isNamed(args, name));
  if (!found) throw new Error(`the run has no process ${name}`);
  return found.pid;
}

function isNamed(args: readonly string[], name: string): boolean {
  const [kind, index] = name.split("-");
  const valueOf = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  if (kind === "worker") return args.includes("worker") && valueOf("--worker-id") === name;
  if (kind === "shard") return args.includes("parameter-server") && valueOf("--index") === index;
  return args.includes("coordinator") && args.includes("--run");
}
