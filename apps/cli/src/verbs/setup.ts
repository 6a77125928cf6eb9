import type { Command } from "commander";
import { examples, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly bundle?: string;
  readonly fromBundle?: string;
}

export function addSetup(program: Command): void {
  const verb = program
    .command("setup")
    .summary("get the native runtime")
    .description(
      "Gets native TensorFlow into a cache outside the checkout: once, resumable, with sizes said first. Does nothing when all is there.",
    )
    .option("--bundle <dir>", "also copy the runtime to a folder, for machines without internet")
    .option("--from-bundle <dir>", "take the runtime from such a folder in place of the network");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["setup", "get what is missing"],
        ["setup --bundle /media/usb/latentweave", "a copy for a machine without internet"],
        ["setup --from-bundle /media/usb/latentweave", "there"],
      ),
    )
    .action(async (flags: Flags) => {
      const { findNativeRuntime, runSetup } = await import("@latentweave/native");
      process.exitCode = await runSetup({
        ...(flags.bundle === undefined ? {} : { bundle: flags.bundle }),
        ...(flags.fromBundle === undefined ? {} : { fromBundle: flags.fromBundle }),
        quiet: flags.quiet === true,
      });
      if (flags.json === true) process.stdout.write(`${JSON.stringify(findNativeRuntime(), undefined, 2)}\n`);
    });
}
