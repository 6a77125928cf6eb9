import path from "node:path";
import type { Command } from "commander";
import os from "node:os";
import { wholeNumber } from "../command/number-arguments.ts";
import { exitCodes } from "../command/failure.ts";
import { ownCommand } from "../command/own-command.ts";
import { examples } from "../command/shared-flags.ts";
import { type ProcessFlags, processContext } from "../command/process-flags.ts";
import { hopelessExitCode, runWorker, withWorkerFlags } from "./worker.ts";

interface JoinFlags extends ProcessFlags {
  readonly workers: number;
  readonly workerId?: string;
  readonly backend?: "native" | "wasm" | "cpu";
  readonly device?: string;
  readonly threads?: string;
  readonly pauseMs?: string;
}

export function addJoin(program: Command): void {
  const command = program
    .command("join")
    .description("Lends this machine's devices to a run: the run's files and data arrive by themselves.")
    .argument("<url>", "the address that `latentweave train` printed")
    .option("--workers <n>", "worker processes to start here", wholeNumber(1), 1)
    .addHelpText(
      "after",
      examples(
        ["join http://host:8787 --token T", "one worker on this machine"],
        ["join http://host:8787 --token T --workers 4", "four of them"],
      ),
    );
  withWorkerFlags(command).action(async (url: string, flags: JoinFlags) => {
    if (flags.workers === 1) await runWorker({ ...flags, coordinator: url }, exitCodes.failed);
    else await runSeveral(url, flags);
  });
}

async function runSeveral(url: string, flags: JoinFlags): Promise<void> {
  const { token, signal } = await processContext(flags);
  const { Supervised } = await import("@latentweave/launch");
  const base = flags.workerId ?? `${os.hostname()}-${process.pid}`;
  const passed = (["backend", "device", "threads", "pauseMs"] as const).flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [name === "pauseMs" ? "--pause-ms" : `--${name}`, value];
  });
  const { command, args } = ownCommand();
  const workers = Array.from(
    { length: flags.workers },
    (_, index) =>
      new Supervised({
        name: `${base}-${index}`,
        command,
        args: [
          ...args,
          ...["worker", "--coordinator", url, "--worker-id", `${base}-${index}`, ...passed],
          token === undefined ? "--with-parent" : "--token-stdin",
        ],
        ...(token === undefined ? {} : { secret: token }),
        logFile: path.join(os.tmpdir(), `latentweave-${base}-${index}.log`),
        restart: { mayHelp: (code) => code !== 0 && code !== hopelessExitCode, mostRestarts: 5 },
        onRestart: (reason) =>
          process.stderr.write(`worker ${base}-${index}: ${reason}; starting it again\n`),
        onEnd: (code, _, lines) =>
          process.stderr.write(`worker ${base}-${index} ended (${code}): ${lines.at(-1) ?? ""}\n`),
      }),
  );
  signal.addEventListener("abort", () => {
    for (const worker of workers) worker.interrupt();
  });
  await Promise.all(workers.map((worker) => worker.ended));
}
