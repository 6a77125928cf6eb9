import path from "node:path";
import { Supervised, type SupervisedOptions } from "@latentweave/launch";
import { ownCommand } from "../command/own-command.ts";
import type { LaunchOptions } from "./launched-run.ts";

/** Starts a process of the run: this program again, with a verb. @param beside the shard that it is as well */
export type StartProcess = (
  name: string,
  verbArgs: SupervisedOptions["args"],
  more: Partial<SupervisedOptions>,
  beside?: string,
) => Supervised;

export interface StartedProcess {
  readonly supervised: Supervised;
  readonly beside: string | undefined;
}

/** The processes of one run, each with a log of its own and an eye on this process: none outlives it. */
export interface ProcessStarter {
  readonly start: StartProcess;
  /** Everything that was started. */
  readonly all: readonly StartedProcess[];
}

/**
 * @param logs the folder for their output. @param secret the run's token, which does not stand in a process list
 * @param onErrorLine what a process of this name says on standard error
 */
export function createProcessStarter(
  logs: string,
  secret: string | undefined,
  { drill, environment }: Pick<LaunchOptions, "drill" | "environment">,
  onErrorLine: (name: string, line: string) => void,
): ProcessStarter {
  const { command, args } = ownCommand();
  const lifeline = secret === undefined ? ["--with-parent"] : ["--token-stdin"];
  const all: StartedProcess[] = [];
  return {
    all,
    start(name, verbArgs, more, beside) {
      const parts = beside === undefined ? [name] : [name, beside];
      const ended = (how: string): void => {
        for (const part of parts) drill?.onProcessEnd(part, how);
      };
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
        onErrorLine: (line) => onErrorLine(name, line),
        env: { ...environment, ...drill?.environment(parts) },
        ...more,
        onRestart(reason) {
          ended(reason);
          more.onRestart?.(reason);
        },
        onEnd(code, signal, lines) {
          ended(signal ?? `exit code ${code}`);
          more.onEnd?.(code, signal, lines);
        },
      });
      all.push({ supervised, beside });
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
