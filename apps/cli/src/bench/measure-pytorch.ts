import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench-context.ts";
import { benchModel } from "./bench-job.ts";
import { runChild } from "./child-process.ts";

/** As pytorch_ddp.py has them: what its documentation shows, and what makes it faster. */
export const ddpVariants = ["stock", "tuned"] as const;
export type DdpVariant = (typeof ddpVariants)[number];

export interface MeasuredDdp {
  readonly stepMs: number;
  readonly samplesPerSecond: number;
}

interface RankAnswer {
  readonly seconds: number;
}

/** The same model and batch as trainingJob has, with DDP over gloo: one process and one thread per rank. */
export async function measureDdp(
  python: string,
  request: {
    readonly variant: DdpVariant;
    readonly workers: number;
    readonly warmup: number;
    readonly steps: number;
  },
  context: BenchContext,
): Promise<MeasuredDdp> {
  const { variant, workers, warmup, steps } = request;
  const args = ["--variant", variant, "--batch", benchModel.batch, "--widths", benchModel.widths.join(",")];
  const counted = ["--warmup", warmup, "--steps", steps];
  const seconds = await slowestRank(python, "pytorch_ddp.py", workers, [...args, ...counted], context);
  const stepMs = (1000 * seconds) / steps;
  return { stepMs, samplesPerSecond: (1000 * workers * benchModel.batch) / stepMs };
}

/** @returns ms that gloo's all-reduce of so many float32 numbers takes */
export async function measureAllReduce(
  python: string,
  request: {
    readonly numbers: number;
    readonly workers: number;
    readonly warmup: number;
    readonly steps: number;
  },
  context: BenchContext,
): Promise<number> {
  const { numbers, workers, warmup, steps } = request;
  const args = ["--numbers", numbers, "--warmup", warmup, "--steps", steps];
  return (1000 * (await slowestRank(python, "pytorch_allreduce.py", workers, args, context))) / steps;
}

/** Ranks meet through a file. */
async function slowestRank(
  python: string,
  script: string,
  ranks: number,
  args: readonly (string | number)[],
  { signal, folder }: BenchContext,
): Promise<number> {
  const env = {
    OMP_NUM_THREADS: "1",
    MKL_NUM_THREADS: "1",
    // Without it gloo listens at whatever address the host's name resolves to.
    GLOO_SOCKET_IFNAME: process.platform === "darwin" ? "lo0" : "lo",
  };
  const meeting = ["--ranks", ranks, "--rendezvous", path.join(folder, `rendezvous-${randomUUID()}`)];
  const answers = await Promise.all(
    Array.from({ length: ranks }, async (_, rank) => {
      const all = [scriptFile(script), "--rank", rank, ...meeting, ...args, "--with-parent"].map(String);
      return JSON.parse(await runChild(python, all, { signal, env })) as RankAnswer;
    }),
  );
  return Math.max(...answers.map(({ seconds }) => seconds));
}

/** Beside this bundle, or beside this source. */
function scriptFile(name: string): string {
  const file = fileURLToPath(new URL(`./${name}`, import.meta.url));
  if (!existsSync(file)) throw new Error(`PyTorch's program is not at ${file}`);
  return file;
}
