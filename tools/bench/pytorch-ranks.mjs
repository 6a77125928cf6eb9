/** Ranks of one of the PyTorch scripts that `latentweave bench` has too, as processes of their own that meet through a file. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./own-command.mjs";

/**
 * @param script a file name. @param args the same ones for every rank
 * @param ends by rank, where each is at an end of a cable (cable.mjs)
 * @returns {Promise<object[]>} what each rank printed, a line of JSON
 */
export async function runRanks({ python, script, ranks, args, ends }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const file = fileURLToPath(new URL(`../../apps/cli/src/bench/${script}`, import.meta.url));
  const env = {
    ...process.env,
    OMP_NUM_THREADS: "1",
    MKL_NUM_THREADS: "1",
    // Without it gloo listens at whatever address the host's name resolves to.
    GLOO_SOCKET_IFNAME: process.platform === "darwin" ? "lo0" : "lo",
  };
  const meeting = ["--ranks", String(ranks), "--rendezvous", path.join(folder, "rendezvous")];
  try {
    return await Promise.all(
      Array.from({ length: ranks }, async (_, rank) => {
        const { prefix, cable } = ends?.[rank] ?? { prefix: [] };
        const [command, ...before] = [...prefix, python];
        const own = cable === undefined ? env : { ...env, GLOO_SOCKET_IFNAME: cable };
        const all = [...before, file, "--rank", String(rank), ...meeting, ...args];
        return JSON.parse(await run(command, all, own));
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
