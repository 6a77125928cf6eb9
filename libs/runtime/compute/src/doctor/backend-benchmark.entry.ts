/**
 * A child process of `doctor`: `node backend-benchmark.js NAME MILLISECONDS`. Loads one backend, trains a dense
 * autoencoder for that long on one thread, and prints one line of JSON.
 */
import type { Rank, Scalar, Tensor2D } from "@tensorflow/tfjs-core";
import { readdirSync, readFileSync } from "node:fs";
import { loadBackend } from "../backend/load-backend.ts";
import type { BackendName, Tf } from "../backend/loaded-backend.ts";
import { type BenchmarkAnswer, benchmarkShape } from "./benchmark-shape.ts";

const [name, milliseconds] = process.argv.slice(2);

function makeStep(tf: Tf): () => void {
  const { widths, batch } = benchmarkShape;
  let inputs: number = widths[0];
  const layers = widths.slice(1).map((outputs) => {
    const kernel = tf.variable(tf.randomNormal<Rank.R2>([inputs, outputs], 0, 0.05));
    inputs = outputs;
    return { kernel, bias: tf.variable(tf.zeros<Rank.R1>([outputs])) };
  });
  const input = tf.randomUniform<Rank.R2>([batch, widths[0]]);
  const loss = () => {
    let activation = input;
    for (const [index, { kernel, bias }] of layers.entries()) {
      const sum = tf.add<Tensor2D>(tf.matMul(activation, kernel), bias);
      activation = index < layers.length - 1 ? tf.relu(sum) : sum;
    }
    return tf.losses.sigmoidCrossEntropy<Tensor2D, Scalar>(input, activation);
  };
  return () => {
    const { value, grads } = tf.tidy(() => tf.variableGrads(loss));
    // Reading the results back is part of a worker's step, and waits for the work to be done.
    value.dataSync();
    value.dispose();
    for (const gradient of Object.values(grads)) {
      gradient.dataSync();
      gradient.dispose();
    }
  };
}

/** TensorFlow's own threads, by the names it gives them; null where the system does not tell. */
function tensorflowThreads(): number | null {
  try {
    const threads = readdirSync("/proc/self/task").map((id) =>
      readFileSync(`/proc/self/task/${id}/comm`, "utf8"),
    );
    return threads.filter((comm) => comm.startsWith("tf_")).length;
  } catch {
    return null;
  }
}

let answer: BenchmarkAnswer;
try {
  const backend = await loadBackend({ name: name as BackendName, threads: 1 });
  const step = makeStep(backend.tf);
  step();
  const cpuStart = process.cpuUsage();
  const startMs = performance.now();
  let steps = 0;
  while (steps === 0 || performance.now() - startMs < Number(milliseconds)) {
    step();
    steps += 1;
  }
  const wallMs = performance.now() - startMs;
  const cpu = process.cpuUsage(cpuStart);
  answer = {
    kind: "measured",
    stepMs: wallMs / steps,
    samplesPerSecond: (1000 * steps * benchmarkShape.batch) / wallMs,
    cpuCores: (cpu.user + cpu.system) / 1000 / wallMs,
    tensorflowThreads: tensorflowThreads(),
    determinismClass: backend.determinismClass,
    notes: backend.notes,
  };
} catch (error) {
  answer = {
    kind: "failed",
    reason: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error),
  };
}
process.stdout.write(`${JSON.stringify(answer)}\n`);
