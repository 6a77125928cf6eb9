/**
 * TensorFlow.js for the backends that need no native code, as one file: the core, which comes without gradients, all
 * gradients, and the two backends. The gradients exist only as modules that Node cannot load from the package itself.
 */
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import "@tensorflow/tfjs-backend-cpu";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

export { tf, wasm };
