import path from "node:path";
import { type Command, Option } from "commander";

/** Flags that every verb takes. */
export interface SharedFlags {
  readonly runs: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds --runs, --json and --quiet at the end of a verb's own flags. `jsonFile`: --json takes a file too. */
export function withSharedFlags(command: Command, { jsonFile = false } = {}): Command {
  return command
    .addOption(new Option("--runs <dir>", "folder that holds runs").default("runs").env("LATENTWEAVE_RUNS"))
    .option(
      jsonFile ? "--json [file]" : "--json",
      `JSON on standard output, everything else on standard error${jsonFile ? "; with a name: into that file" : ""}`,
    )
    .option("--quiet", "only the result");
}

export function runsDirectory(flags: Pick<SharedFlags, "runs">): string {
  return path.resolve(flags.runs);
}

/** Lines that a verb's help ends with: each a command and what it does. */
export function examples(...lines: readonly (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const shown = lines.map(([command, purpose]) => `  $ latentweave ${command.padEnd(width)}   ${purpose}`);
  return ["", "Examples:", ...shown].join("\n");
}
