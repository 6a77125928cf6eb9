import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { formatInspection } from "../show/inspection.ts";

export function addInspect(program: Command): void {
  const verb = program
    .command("inspect")
    .summary("look inside a run")
    .description(
      "Shows a run as it lies on disk: state, versions, checkpoints (verified), what its ledger recorded, and every parameter tensor with its statistics.",
    )
    .argument("<run>", "a run");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(["inspect digits-1", "everything"], ["inspect digits-1 --json", "for programs"]),
    )
    .action(async (run: string, flags: SharedFlags) => {
      const { findRun, inspectRun } = await import("@latentweave/checkpoint");
      const inspection = await inspectRun(findRun(runsDirectory(flags), run));
      createOutput(flags).result(inspection, formatInspection(inspection));
    });
}
