import type { BackendName } from "@latentweave/compute";
import { UserError } from "@latentweave/protocol";
import { type Command, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { createOutput } from "../command/output.ts";
import { examples, runsDirectory, type SharedFlags, withSharedFlags } from "../command/shared-flags.ts";
import { namedTask } from "../report/named-task.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";
import { rowsFile, writeRows } from "../report/rows-file.ts";

interface Flags extends SharedFlags {
  readonly output: string;
  readonly task?: string;
  readonly of: "latent" | "reconstruction";
  readonly best?: boolean;
  readonly average?: boolean;
  readonly backend?: BackendName;
}

export function addEncode(program: Command): void {
  const verb = program
    .command("encode")
    .summary("latents of any data")
    .description(
      "Puts data through a run's encoder and writes the latents, one row per sample, with the preprocessing that was fitted in training.",
    )
    .argument("<run>", "a run, RUN@STEP for the checkpoint of that step, or RUN@best")
    .argument("<data>", "a CSV, TSV, NPY, NPZ or IDX file, or a data set of the catalogue")
    .requiredOption("-o, --output <file>", "an .npy or a .csv file")
    .option("--task <name>", "whose encoder; may be left out where there is one task")
    .addOption(
      new Option("--of <what>", "what is written").choices(["latent", "reconstruction"]).default("latent"),
    )
    .option("--best", "by the checkpoint with the least held-out loss, where the job keeps it")
    .option("--average", "by the moving average of the weights, where the job keeps one")
    .addOption(backendOption());
  withSharedFlags(verb)
    .addHelpText(
      "after",
      examples(
        ["encode digits-1 mnist --task digits -o latents.npy", "of a data set"],
        ["encode wine-1 new.csv -o latents.csv", "of your own table"],
      ),
    )
    .action(encode);
}

async function encode(run: string, data: string, flags: Flags): Promise<void> {
  const output = createOutput(flags);
  const file = rowsFile(flags.output, "latents");
  const { guessDataSource } = await import("@latentweave/datasets");
  const { encodeRows } = await import("../report/encode-rows.ts");
  const { loadReportBackend } = await import("../report/load-model.ts");
  const { openNamedRun } = await import("../report/open-run.ts");
  const source = guessDataSource(data);
  const note = (line: string): void => output.note(line);
  const opened = await openNamedRun(runsDirectory(flags), run, note, flags);
  const task = chooseTask(opened, flags.task);
  const backend = await loadReportBackend(flags.backend);
  const encoded = await encodeRows({ run: opened, task, source, of: flags.of, backend, log: note });
  const written = await writeRows(file, encoded, flags.of);
  const shape = [encoded.rows, ...encoded.shape];
  output.result({ file: flags.output, task: task.name, of: flags.of, shape }, written);
}

function chooseTask(run: OpenedRun, name: string | undefined): OpenedTask {
  if (name !== undefined) return namedTask(run, "--task", name);
  const [only, ...others] = run.tasks;
  if (only && others.length === 0) return only;
  throw new UserError({
    where: "--task",
    what: `run ${run.runId} has ${run.tasks.length} tasks`,
    expected: `one of ${run.tasks.map((task) => task.name).join(", ")}`,
    mend: "name one with --task",
    exitCode: 2,
  });
}
