/** One measurement of PyTorch DDP, on the CPU over gloo or on a GPU over NCCL. */
import path from "node:path";
import { latentweave } from "./own-command.mjs";
import { runRanks } from "./pytorch-ranks.mjs";

/** The file of MNIST's training images in our cache; both sides read the same bytes. */
export async function findImages() {
  const [{ directory }] = JSON.parse(await latentweave(["data", "get", "mnist", "--json"]));
  return path.join(directory, "train-images-idx3-ubyte");
}

/**
 * @param parts in so many equal parts goes a batch through the model, one after the other, before one backward pass
 * @param hook "fp16": gradients travel as halves. @param ends by rank, where each is at an end of a cable (cable.mjs)
 * @returns {Promise<{ seconds, samplesPerSecond, stepMs, loss, memory, parameters, torch }>}
 */
export async function measurePyTorch({
  python,
  images,
  workers,
  variant,
  batch,
  warmup,
  steps,
  device = "cpu",
  widths,
  parts = 1,
  hook = "none",
  optimiser = "adam",
  ends,
}) {
  const ranks = await runRanks({
    ...{ python, script: "pytorch_ddp.py", ranks: workers, ends },
    args: [
      ...["--images", images, "--variant", variant, "--device", device, "--parts", String(parts)],
      ...["--hook", hook, "--optimiser", optimiser],
      ...(widths === undefined ? [] : ["--widths", widths.join(",")]),
      ...["--batch", String(batch), "--warmup", String(warmup), "--steps", String(steps)],
    ],
  });
  const seconds = Math.max(...ranks.map((rank) => rank.seconds));
  return {
    seconds,
    stepMs: (seconds * 1000) / steps,
    samplesPerSecond: (steps * workers * batch) / seconds,
    loss: ranks.reduce((sum, { loss }) => sum + loss, 0) / workers,
    memory: Object.fromEntries(ranks.map(({ rank, peakBytes }) => [`rank-${rank}`, peakBytes])),
    parameters: ranks[0].parameters,
    torch: ranks[0].torch,
  };
}
