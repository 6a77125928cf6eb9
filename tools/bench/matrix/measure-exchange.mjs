/** Rows of the cases about the exchange alone: ours with a compute that gives gradients at once, and gloo's all-reduce. */
import { fileURLToPath } from "node:url";
import { measureLatentweave } from "../measure-latentweave.mjs";
import { runRanks } from "../pytorch-ranks.mjs";
import { exchangeProgram } from "./exchange-program.mjs";

const job = fileURLToPath(new URL("./exchange.yaml", import.meta.url));

/** @param numbers float32 ones of the gradient, about */
export async function measureExchange({ numbers, workers, warmup, steps, settings = [], env = {} }) {
  const { stepMs, hash, phases } = await measureLatentweave({
    ...{ job, workers, warmup, steps, batch: 1, env, program: await exchangeProgram() },
    settings: ["--set", `tasks.digits.encoder[0].units=${Math.round((numbers - 4) / 9)}`, ...settings],
  });
  return { ...result(stepMs, workers), hash, phases };
}

export async function measureAllReduce({ python, numbers, workers, warmup, steps }) {
  const args = ["--numbers", numbers, "--warmup", warmup, "--steps", steps].map(String);
  const ranks = await runRanks({ python, script: "pytorch_allreduce.py", ranks: workers, args });
  return result((1000 * Math.max(...ranks.map(({ seconds }) => seconds))) / steps, workers);
}

const result = (stepMs, workers) => ({ stepMs, samplesPerSecond: (1000 * workers) / stepMs });
