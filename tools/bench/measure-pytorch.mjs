/** One measurement of PyTorch DDP, on the CPU over gloo or on a GPU over NCCL: its ranks as processes of their own, meeting through a file. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { latentweave, run } from "./own-command.mjs";

const script = fileURLToPath(new URL("./pytorch_ddp.py", import.meta.url));

/** The file of MNIST's training images in our cache; both sides read the same bytes. */
export async function findImages() {
  const [{ directory }] = JSON.parse(await latentweave(["data", "get", "mnist", "--json"]));
  return path.join(directory, "train-images-idx3-ubyte");
}

/** @returns {Promise<{ seconds, samplesPerSecond, stepMs, loss, memory, parameters, torch }>} */
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
}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const env = {
    ...process.env,
    OMP_NUM_THREADS: "1",
    MKL_NUM_THREADS: "1",
    // Without it gloo listens at whatever address the host's name resolves to.
    GLOO_SOCKET_IFNAME: process.platform === "darwin" ? "lo0" : "lo",
  };
  try {
    const ranks = await Promise.all(
      Array.from({ length: workers }, async (_, rank) => {
        const text = await run(
          python,
          [
            ...[script, "--rank", String(rank), "--ranks", String(workers)],
            ...[
              "--rendezvous",
              path.join(folder, "rendezvous"),
              "--images",
              images,
              "--variant",
              variant,
              "--device",
              device,
            ],
            ...(widths === undefined ? [] : ["--widths", widths.join(",")]),
            ...["--batch", String(batch), "--warmup", String(warmup), "--steps", String(steps)],
          ],
          env,
        );
        return JSON.parse(text);
      }),
    );
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
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
