/** How fast a parameter server adds and updates, without sockets: the code of the engine on vectors in its memory. */
import { importSources } from "../build/bundle-sources.mjs";
import { median } from "./statistics.mjs";

/** The benchmark's model, and one whose vectors fit no cache. */
const sizes = [837_424, 26_800_000];
const repeats = 15;
const partials = 2;

/**
 * @returns {Promise<{ numbers, reduceMs, reduceGBps, updateMs, updateGBps }[]>} medians. `reduce`: `partials` whole
 *   gradients arrive and are added, GB/s of arriving bytes; `update`: combine and Adam, GB/s of parameters
 */
export async function measureServerKernels() {
  const library = await importSources(`export { loadFastArithmetic } from "@latentweave/native";
    export { createReducer, float32Values } from "@latentweave/aggregation";
    export { combineBlock } from "@latentweave/multitask";
    export { createOptimiser } from "@latentweave/optim";
    export { blockNumbers } from "@latentweave/parameters";`);
  return sizes.map((numbers) => measure(library, numbers));
}

function measure(library, numbers) {
  const { loadFastArithmetic, createReducer, float32Values } = library;
  const arithmetic = loadFastArithmetic();
  const bytes = numbers * 4;
  const arriving = Array.from({ length: partials }, (_, index) => {
    const values = Float32Array.from({ length: numbers }, (_, i) => ((i * 7 + index) % 1000) / 1e5 - 0.005);
    return new Uint8Array(values.buffer);
  });
  const reducer = createReducer({ slots: partials, values: float32Values(arithmetic, numbers) });
  const update = updater(library, arithmetic, numbers);
  const reduceMs = [];
  const updateMs = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    arriving.forEach((slice, index) => reducer.accept({ level: 0, index }, slice));
    const reduced = performance.now();
    update(reducer.result(), repeat + 1);
    updateMs.push(performance.now() - reduced);
    reduceMs.push(reduced - start);
    reducer.reset();
  }
  // Bytes per millisecond are thousands a second.
  const gigabytesPerSecond = (count, ms) => count / ms / 1e6;
  const [reduce, applied] = [median(reduceMs), median(updateMs)];
  return {
    numbers,
    reduceMs: reduce,
    reduceGBps: gigabytesPerSecond(partials * bytes, reduce),
    updateMs: applied,
    updateGBps: gigabytesPerSecond(bytes, applied),
  };
}

/** Combines, updates and digests block by block, as apply-update.ts of the parameter server does. */
function updater({ combineBlock, createOptimiser, blockNumbers }, arithmetic, numbers) {
  const vector = () => {
    const pointer = arithmetic.allocate(numbers * 4);
    arithmetic.fill(pointer, 0, numbers);
    return pointer;
  };
  const digests = arithmetic.allocate(Math.ceil(numbers / blockNumbers) * 8);
  const optimiser = createOptimiser({
    kind: "adam",
    learningRate: 0.001,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  });
  const pairs = ["parameters", ...optimiser.stateNames].map(() => [vector(), vector()]);
  return (gradient, updateIndex) => {
    const [params, ...state] = pairs.map((pair) => pair[(updateIndex - 1) & 1]);
    const [next, ...nextState] = pairs.map((pair) => pair[updateIndex & 1]);
    arithmetic.inBlocks(numbers, (kernels, scratch) => {
      combineBlock(kernels, { gradients: [gradient], weights: [0.5], into: scratch, numbers });
      optimiser.update(kernels, {
        ...{ params, next, gradient: scratch, numbers, state, nextState, updateIndex, learningRate: 0.001 },
      });
      kernels.digestInto(digests, next, numbers);
    });
  };
}
