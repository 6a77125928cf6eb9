/** A run of two workers with a slot each: on this machine, or the second one behind a cable. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { commandFile, run } from "./own-command.mjs";

/**
 * @param cable of cable.mjs, where the second worker is behind it
 * @param env variables besides ours
 * @param read gets the folder with the run's metrics
 * @returns {Promise<object>} what `read` makes of them
 */
export async function trainTwoWorkers({ job, settings, steps, cable, env = {}, read }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const all = { ...process.env, ...env };
  const main = await commandFile();
  const train = [
    ...["train", job, "--workers", cable ? "1" : "2", "--set", "tasks.digits.slots=2"],
    ...["--placement", "dedicated", ...settings],
    ...["--steps", String(steps), "--seed", "7", "--device", "cpu", "--quiet"],
    ...["--run-id", "bench", "--runs", folder],
  ];
  try {
    if (cable) await across(cable, main, train, all);
    else await run(process.execPath, [main, ...train, "--dashboard", "off"], all);
    return read(path.join(folder, "bench", "metrics"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function across({ near, far }, main, train, env) {
  const [port, token] = ["8787", "bench"];
  const within = ({ prefix: [command, ...before] }, args) =>
    run(command, [...before, process.execPath, main, ...args], env);
  const served = ["--host", near.address, "--dashboard", port, "--token", token];
  const joined = ["join", `http://${near.address}:${port}`, "--token", token];
  await Promise.all([within(near, [...train, ...served]), within(far, joined)]);
}
