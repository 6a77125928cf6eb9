import path from "node:path";
import { Supervised, type SupervisedOptions } from "@latentweave/launch";
import { ownCommand } from "../command/own-command.ts";
import type { LaunchDrill } from "./launched-run.ts";

/** Starts a process of the run: this program again, with a verb. */
export type StartProcess = (
  name: string,
  verbArgs: SupervisedOptions["args"],
  more: Partial<SupervisedOptions>,
) => Supervised;

/** The processes of one run, each with a log of its own and an eye on this process: none outlives it. */
export interface ProcessStarter {
  readonly start: StartProcess;
  /** Everything that was started. */
  readonly all: readonly Supervised[];
}

/** @param logs the folder for their output. @param secret the run's token, which does not stand in a process list */
export function createProcessStarter(
  logs: string,
  secret: string | undefined,
  drill: LaunchDrill | undefined,
): ProcessStarter {
  const { command, args } = ownCommand();
  const lifeline = secret === undefined ? ["--with-parent"] : ["--token-stdin"];
  const all: Supervised[] = [];
  return {
    all,
    start(name, verbArgs, more) {
      const [first, ...others] = [...(drill?.prefix(name) ?? []), command];
      const supervised = new Supervised({
        name,
        command: first,
        args: () => [
          ...others,
          ...args,
          ...(typeof verbArgs === "function" ? verbArgs() : verbArgs),
          ...lifeline,
        ],
        ...(secret === undefined ? {} : { secret }),
        logFile: path.join(logs, `${name}.log`),
        env: drill?.environment(name) ?? {},
        ...more,
        onRestart(reason) {
          drill?.onProcessEnd(name, reason);
          more.onRestart?.(reason);
        },
        onEnd(code, signal, lines) {
          drill?.onProcessEnd(name, signal ?? `exit code ${code}`);
          more.onEnd?.(code, signal, lines);
        },
      });
      all.push(supervised);
      return supervised;
    },
  };
}

/** What a process says on standard output for its launcher: lines of JSON; undefined for any other line. */
export function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
