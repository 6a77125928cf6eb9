/**
 * node examples/reproduce/linear-autoencoder/run.mjs [--short] [--seed N]: test errors of a linear and of a deep
 * autoencoder on Fashion-MNIST beside PCA's, fitted here to the same training rows. Ends with 1 where a bar is missed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { latentweave } from "../../../tools/ci/latentweave.mjs";

const folder = import.meta.dirname;
const isShort = process.argv.includes("--short");
const seed = process.argv.includes("--seed") ? process.argv[process.argv.indexOf("--seed") + 1] : "0";
const bottlenecks = isShort ? [8] : [2, 8, 16, 32, 64];
/** PCA's on the published split. */
const published = { 2: 0.0461, 8: 0.02661, 16: 0.02045, 32: 0.01514, 64: 0.01037 };

const runs = mkdtempSync(path.join(os.tmpdir(), "latentweave-linear-"));

/** @returns seconds */
async function trainOne(kind, k) {
  const units = kind === "linear" ? "encoder[0].units" : "encoder[2].units";
  const startMs = performance.now();
  await latentweave([
    ...["train", path.join(folder, `${kind}.yaml`), "--runs", runs, "--run-id", `${kind}-${k}`],
    ...["--seed", seed, "--set", `tasks.fashion.${units}=${k}`, "--quiet"],
    ...(isShort ? ["--set", "epochs=10"] : []),
  ]);
  return (performance.now() - startMs) / 1000;
}

/** Both, and PCA with as many components, on the same rows. */
async function measure(k) {
  const seconds = [await trainOne("linear", k), await trainOne("deep", k)];
  const { stdout } = await latentweave([
    ...["evaluate", `linear-${k}`, "--alone", `deep-${k}`, "--baselines", "--runs", runs, "--json"],
  ]);
  const [{ together, alone, baselines }] = JSON.parse(stdout).tasks;
  return {
    seconds,
    pca: baselines.pca.error,
    linear: together.reconstructionError,
    deep: alone[0].reconstructionError,
  };
}

let isMet = true;
try {
  console.log(`test MSE per pixel, seed ${seed}, 2 workers of one thread\n`);
  console.log("| k | PCA, published split | PCA here | linear | to PCA | deep | to PCA | seconds |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const k of bottlenecks) {
    const { pca, linear, deep, seconds } = await measure(k);
    const toPca = (error) => `${(100 * (error / pca - 1)).toFixed(2)} %`;
    const cells = [
      ...[k, published[k], pca.toFixed(5), linear.toFixed(5), toPca(linear), deep.toFixed(5), toPca(deep)],
      seconds.map((each) => each.toFixed(0)).join(" + "),
    ];
    console.log(`| ${cells.join(" | ")} |`);
    isMet &&= linear <= 1.02 * pca && deep < pca;
  }
} finally {
  rmSync(runs, { recursive: true, force: true });
}
console.log(`\n${isMet ? "met" : "MISSED"}: the linear one within 2 % of PCA, the deep one below it`);
process.exitCode = isMet ? 0 : 1;
