import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { followLogs, readLogs } from "../runs/read-logs.ts";

interface Flags extends SharedFlags {
  readonly follow?: boolean;
  readonly lines: number;
}

export function addLogs(program: Command): void {
  const verb = program
    .command("logs")
    .summary("what a run's processes wrote")
    .description("Prints what happened in a run (events) and what each of its processes wrote.")
    .argument("<run>", "a run")
    .argument("[process]", "one alone: events, coordinator, shard-0, worker-0, ...")
    .option("-f, --follow", "go on with what comes, until the run ends or Ctrl-C")
    .option("-n, --lines <n>", "lines of each, from the end", wholeNumber(0), 200);
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["logs digits-1", "the last lines of each"],
        ["logs digits-1 -f", "and what comes"],
        ["logs digits-1 worker-0 -n 50", "of one process"],
      ),
    )
    .action(async (run: string, process: string | undefined, flags: Flags) => {
      const output = createOutput(flags);
      const { findRun } = await import("@latentweave/checkpoint");
      const directory = findRun(runsDirectory(flags), run);
      const print = (line: { readonly process: string; readonly text: string }): void => {
        if (flags.json === true) output.jsonLine(line);
        else output.line(process === undefined ? `${line.process.padEnd(12)} ${line.text}` : line.text);
      };
      const reading = { directory, lines: flags.lines, ...(process === undefined ? {} : { process }) };
      if (flags.follow === true) await followLogs(reading, print);
      else for (const line of await readLogs(reading)) print(line);
    });
}
