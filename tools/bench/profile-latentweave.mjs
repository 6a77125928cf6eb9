/** One run of the benchmark's job under `--profile`: what its processes spent a step on, as `latentweave profile` says it. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { latentweave } from "./own-command.mjs";

const job = fileURLToPath(new URL("./autoencoder.yaml", import.meta.url));

/**
 * @param placement `dedicated` or `beside`, as `--placement` takes it. @param settings further arguments of `train`
 * @returns {Promise<{ profile: object, text: string }>} `profile`: medians in ms, by process and phase; `text`: the whole
 *   answer for a reader
 */
export async function profileLatentweave({ batch, steps, device, placement, settings = [] }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  try {
    await latentweave([
      ...["train", job, "--workers", "1", "--placement", placement, "--profile", String(steps)],
      ...["--set", "tasks.digits.slots=1", "--set", `tasks.digits.microBatch=${batch}`, ...settings],
      ...["--steps", String(steps), "--seed", "7", "--device", device],
      ...["--run-id", "bench", "--runs", folder, "--dashboard", "off", "--quiet"],
    ]);
    const asked = ["profile", "bench", "--runs", folder];
    const {
      steps: profiled,
      medianMs,
      p95Ms,
      processes,
    } = JSON.parse(await latentweave([...asked, "--json"]));
    return {
      profile: {
        ...{ batch, placement, steps: profiled, medianMs, p95Ms },
        processes: Object.fromEntries(
          processes.map(({ process, phases }) => [
            process,
            Object.fromEntries(phases.map(({ phase, medianMs }) => [phase, medianMs])),
          ]),
        ),
      },
      text: await latentweave(asked),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
