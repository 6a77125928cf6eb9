import path from "node:path";
import type { BackendName } from "@latentweave/compute";
import type { Command } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";

interface Flags extends SharedFlags {
  readonly to: number;
  readonly output?: string;
  readonly backend?: BackendName;
}

export function addReplay(program: Command): void {
  const verb = program
    .command("replay")
    .summary("the weights after any step, computed again")
    .description(
      "Computes a run again from the newest checkpoint that is not beyond a step, exactly as the record says, and writes the parameters as they were after that many steps. Every sum and every version on the way is compared with the record.",
    )
    .argument("<run>", "a run")
    .requiredOption("--to <step>", "how many steps the weights are to have behind them", wholeNumber(0))
    .option("-o, --output <file>", "default: RUN-STEP.safetensors, here")
    .addOption(backendOption({ purpose: "how to compute; default: as the job says" }));
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(["replay digits-1 --to 137", "writes digits-1-137.safetensors, and prints its hash"]),
    )
    .action(replay);
}

async function replay(name: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const { findRun, writeParameters } = await import("@latentweave/checkpoint");
  const { openReplay } = await import("../replay/open-replay.ts");
  const { replayTo } = await import("../replay/replay-to.ts");
  const { tellSteps } = await import("../replay/tell-steps.ts");
  const directory = findRun(runsDirectory(flags), name);
  const run = await openReplay(directory, {
    ...(flags.backend === undefined ? {} : { backend: flags.backend }),
    log: (line) => output.note(line),
  });
  try {
    const replayed = await replayTo(
      run,
      flags.to,
      tellSteps((line) => output.note(line)),
    );
    const file = flags.output ?? `${path.basename(directory)}-${flags.to}.safetensors`;
    const groups = run.layout.groups.map((_, group) => replayed.parameters(group));
    const metadata = { runId: run.runId, version: String(flags.to) };
    const hash = await writeParameters(file, run.layout, groups, metadata);
    output.note(`written to ${file}`);
    output.result({ runId: run.runId, step: flags.to, file, hash, versionDigest: replayed.digest() }, hash);
  } finally {
    await run.close();
  }
}
