import { createRequire } from "node:module";
import path from "node:path";
import { entryFile } from "@latentweave/native";
import type { LoadedBackend, Tf } from "./loaded-backend.ts";

const require = createRequire(import.meta.url);

interface PortableTensorFlow {
  readonly tf: Tf;
  readonly wasm: { setWasmPaths(directory: string): void; setThreadsCount(count: number): void };
}

async function loadPortable(): Promise<PortableTensorFlow> {
  const file = await entryFile(new URL("./portable-tensorflow.standalone.ts", import.meta.url));
  const portable = require(file) as PortableTensorFlow;
  // This flag only silences: the CPU backend would advertise tfjs-node, which whoever is here cannot have.
  portable.tf.env().set("PROD", true);
  return portable;
}

/** TensorFlow.js on WebAssembly: one thread, SIMD, the same bits on every machine. Has no gradients of convolutions. */
export async function loadWasmBackend(): Promise<LoadedBackend> {
  const { tf, wasm } = await loadPortable();
  const binary = require.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm");
  // One thread: their number must not be left to the machine.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  wasm.setThreadsCount(1);
  wasm.setWasmPaths(path.dirname(binary) + path.sep);
  if (!(await tf.setBackend("wasm"))) throw new Error("the WASM backend did not start");
  await tf.ready();
  const simd = String(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"));
  return { tf, name: "wasm", determinismClass: { backend: "wasm", tfjs: tf.version_core, simd }, notes: [] };
}

/** TensorFlow.js in plain JavaScript: always there, very slow. Its numbers depend on V8's own Math functions. */
export async function loadCpuBackend(): Promise<LoadedBackend> {
  const { tf } = await loadPortable();
  if (!(await tf.setBackend("cpu"))) throw new Error("the CPU backend did not start");
  await tf.ready();
  const determinismClass = { backend: "cpu", tfjs: tf.version_core, v8: process.versions.v8 };
  return { tf, name: "cpu", determinismClass, notes: [] };
}
