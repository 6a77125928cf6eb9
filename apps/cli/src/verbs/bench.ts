import os from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { backendOption } from "../command/backend-option.ts";
import { exitCodes } from "../command/failure.ts";
import { createOutput } from "../command/output.ts";
import { examples } from "../command/shared-flags.ts";
import { packageVersion } from "../command/version.ts";

interface Flags {
  readonly workers?: readonly number[];
  readonly seconds: number;
  readonly python?: string;
  readonly placement?: "dedicated" | "beside";
  readonly device?: readonly string[];
  readonly backend?: string;
  /** True: on standard output. */
  readonly json?: string | true;
  readonly quiet?: boolean;
}

const mostWorkers = 64;
/** By default: what doubling leads to, up to one worker per core and no more than these. */
const usualWorkers = 8;

export function addBench(program: Command): void {
  program
    .command("bench")
    .summary("how fast this machine trains, and where the time goes")
    .description(
      "Measures this machine for some minutes: one worker's compute alone, whole runs with 1 worker and more, where a step's time goes, the exchange of gradients and weights alone, and PyTorch DDP beside them where a Python has it; and predicts what more hosts would do. Nothing of it is kept.",
    )
    .option(
      "--workers <list>",
      "numbers of workers, with commas between; default: 1, 2, 4, ... up to one per core",
      workerCounts,
    )
    .option("--seconds <n>", "how long each run is counted", duration, 5)
    .option("--python <path>", "a Python that has PyTorch; off: without it")
    .addOption(
      new Option(
        "--placement <name>",
        "shards in processes of their own, or in those of the workers",
      ).choices([...["dedicated", "beside"]]),
    )
    .option("--device <list>", "CUDA device numbers, UUIDs or cpu, with commas between", (text) =>
      text.split(","),
    )
    .addOption(backendOption({ inBrowsers: true }))
    .option("--json [file]", "the result as JSON: into a file, or alone on standard output")
    .option("--quiet", "only the result")
    .addHelpText(
      "after",
      examples(
        ["bench", "two or three minutes, on a machine that does nothing else"],
        ["bench --workers 1,2 --seconds 2", "sooner, and less exact"],
        ["bench --python .venv/bin/python", "beside the PyTorch that is there"],
        ["bench --json bench.json", "the figures for programs too"],
      ),
    )
    .action(bench);
}

function workerCounts(text: string): readonly number[] {
  const counts = text.split(",").map(Number);
  if (!/^\d+(,\d+)*$/.test(text) || counts.some((count) => count < 1 || count > mostWorkers))
    throw new InvalidArgumentError(
      `Expected whole numbers from 1 to ${mostWorkers}, with commas between, such as 1,2,4.`,
    );
  return [...new Set(counts)].sort((a, b) => a - b);
}

const longestSeconds = 600;

function duration(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds >= 0.2 && seconds <= longestSeconds))
    throw new InvalidArgumentError(`Expected seconds from 0.2 to ${longestSeconds}.`);
  return seconds;
}

function defaultWorkers(): readonly number[] {
  const most = Math.min(os.availableParallelism(), usualWorkers);
  const doubled = [1, 2, 4, 8].filter((count) => count < most);
  return [...doubled, most];
}

async function bench(flags: Flags): Promise<void> {
  const { workers = defaultWorkers(), seconds, python, placement, device, backend } = flags;
  const file = typeof flags.json === "string" ? flags.json : undefined;
  const output = createOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const { withInterrupts } = await import("../bench/with-interrupts.ts");
  const { openResultFile } = await import("../bench/result-file.ts");
  const { runBench } = await import("../bench/run-bench.ts");
  const { formatBench } = await import("../bench/bench-text.ts");
  const keep = file === undefined ? undefined : await openResultFile(file);
  const request = {
    ...{ workers, seconds },
    ...(python === undefined ? {} : { python }),
    flags: {
      ...(placement === undefined ? {} : { placement }),
      ...(device === undefined ? {} : { device }),
      ...(backend === undefined ? {} : { backend }),
    },
  };
  const result = await withInterrupts((signal, folder) =>
    runBench(request, packageVersion(), { signal, folder, log: (line) => output.note(line) }),
  );
  if (!result) {
    output.note("stopped: nothing is left running, and nothing was kept");
    process.exitCode = exitCodes.interrupted;
    return;
  }
  await keep?.(`${JSON.stringify(result, undefined, 2)}\n`);
  output.result(result, `${output.quiet ? "" : "\n"}${formatBench(result)}`);
}
