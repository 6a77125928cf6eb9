import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { exitCodes } from "../command/failure.ts";

interface Flags extends SharedFlags {
  readonly benchmarkMs: number;
}

export function addDoctor(program: Command): void {
  const verb = program
    .command("doctor")
    .summary("say what is there, what was chosen and why")
    .description(
      "Looks at this machine: what was found, which backend is chosen and why, what the others would cost (each is measured for a second), and what to do about every problem.",
    )
    .option("--benchmark-ms <n>", "how long each backend is measured; 0: not at all", wholeNumber(0), 1000);
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["doctor", "for people"],
        ["doctor --json", "for programs and bug reports"],
        ["doctor --benchmark-ms 0", "at once, without measuring"],
      ),
    )
    .action(async (flags: Flags) => {
      const { doctorReport, formatDoctor } = await import("@latentweave/compute");
      const report = await doctorReport({ benchmarkMs: flags.benchmarkMs });
      createOutput(flags).result(report, formatDoctor(report).trimEnd());
      if (report.chosen === null) process.exitCode = exitCodes.failed;
    });
}
