import type { Command } from "commander";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { findTarget } from "../runs/find-target.ts";

export function addHash(program: Command): void {
  const verb = program
    .command("hash")
    .summary("SHA-256 of a run's parameters")
    .description(
      "Prints the SHA-256 of the parameters in the newest checkpoint, computed from its file. Equal hashes mean equal bits; docs/checkpoints.md has the definition.",
    )
    .argument("<run>", "a run, a checkpoint's folder or a safetensors file");
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["hash digits-1", "of the newest checkpoint"],
        ["hash digits-1@200", "of the checkpoint of step 200"],
        ["hash model.safetensors", "of any safetensors file"],
      ),
    )
    .action(async (run: string, flags: SharedFlags) => {
      const output = createOutput(flags);
      const { parameterHash } = await import("@latentweave/checkpoint");
      const target = await findTarget(runsDirectory(flags), run);
      const hash = await parameterHash(target, (line) => output.note(line));
      output.result({ hash, target }, hash);
    });
}
