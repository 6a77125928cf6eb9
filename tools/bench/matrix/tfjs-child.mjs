/**
 * The autoencoder as a user of TensorFlow.js writes it: layers and `model.fit`, on the binding of our native runtime.
 * Forked with {requireFrom, images, widths, batch, warmup, steps}; sends {seconds, loss}: of so many steps after the warm-up.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { requireFrom, images, widths, batch, warmup, steps } = JSON.parse(process.argv[2]);
const require = createRequire(requireFrom);
// Taken out of newer versions of Node.js, and used by tfjs-node.
const util = require("node:util");
util.isNullOrUndefined = (value) => value === null || value === undefined;
util.isArray = Array.isArray;
const tf = require("@tensorflow/tfjs-node-gpu");

const [inputs, hidden, latent, back] = widths;
const model = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [inputs], units: hidden, activation: "relu" }),
    tf.layers.dense({ units: latent }),
    tf.layers.dense({ units: back, activation: "relu" }),
    tf.layers.dense({ units: inputs, activation: "sigmoid" }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.001), loss: "binaryCrossentropy" });

/** An IDX file has a header of 16 bytes. */
const header = 16;
const bytes = readFileSync(images);
const rows = (count) =>
  tf.tensor2d(
    Float32Array.from(bytes.subarray(header, header + count * inputs), (value) => value / 255),
    [count, inputs],
  );
const fit = async (count) => {
  const x = rows(count * batch);
  const startMs = performance.now();
  // It waits for the loss, and so for all that was computed; no progress bar, nothing between two batches.
  const { history } = await model.fit(x, x, { batchSize: batch, epochs: 1, verbose: 0 });
  const seconds = (performance.now() - startMs) / 1000;
  x.dispose();
  return { seconds, loss: history.loss.at(-1) };
};
await fit(warmup);
process.send(await fit(steps), () => process.exit(0));
