/** Rows of TensorFlow.js by itself: one process, one thread, the binding that our native runtime has too. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { importSources } from "../../build/bundle-sources.mjs";
import { findImages } from "../measure-pytorch.mjs";

const child = fileURLToPath(new URL("./tfjs-child.mjs", import.meta.url));
const oneThread = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1", OMP_NUM_THREADS: "1" };
const env = { ...process.env, ...oneThread, CUDA_VISIBLE_DEVICES: "-1", TF_CPP_MIN_LOG_LEVEL: "2" };

/** @returns {Promise<{ stepMs: number, samplesPerSecond: number, loss: number }>} */
export async function measureTfjs({ widths, batch, warmup, steps }) {
  const { findNativeRuntime } = await importSources(
    `export { findNativeRuntime } from "@latentweave/native";`,
  );
  const runtime = findNativeRuntime();
  if (runtime === null) throw new Error("there is no native runtime to compare with: npm run setup");
  const argument = { requireFrom: runtime.requireFrom, images: await findImages() };
  const { seconds, loss } = await new Promise((resolve, reject) => {
    const args = [JSON.stringify({ ...argument, widths, batch, warmup, steps })];
    const started = fork(child, args, { env, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    started.once("message", resolve);
    started.once("exit", (code, signal) => reject(new Error(`TensorFlow.js ended with ${code ?? signal}`)));
  });
  const stepMs = (1000 * seconds) / steps;
  return { stepMs, samplesPerSecond: (1000 * batch) / stepMs, loss };
}
