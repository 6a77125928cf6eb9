import type { Extension } from "latentweave";

// One of each: a data set, a layer, a loss, a combiner and a regulariser. Only types come from "latentweave", so that the
// file can be bundled, hashed and sent to workers and parameter-server shards with the job.

/** As much of TensorFlow.js as is used here; `tf` is handed in. */
interface Tensor {
  readonly shape: readonly number[];
}
interface Tf {
  readonly add: (a: Tensor, b: Tensor | number) => Tensor;
  readonly mul: (a: Tensor, b: Tensor | number) => Tensor;
  readonly sub: (a: Tensor, b: Tensor | number) => Tensor;
  readonly div: (a: Tensor, b: Tensor | number) => Tensor;
  readonly square: (a: Tensor) => Tensor;
  readonly sqrt: (a: Tensor) => Tensor;
  readonly mean: (a: Tensor, axis: number) => Tensor;
}

/** A generator of its own: the same rows on every machine. Numerical Recipes' constants, modulo 2³². */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export const extension: Extension = {
  datasets: {
    /** Points on rings in a plane, seen through `width` sensors, each of which answers to how near a point is. */
    rings: {
      load({ options }) {
        const { rows = 600, rings = 2, width = 16, seed = 1 } = options as Readonly<Record<string, number>>;
        const draw = uniform(seed);
        const sensors = Array.from({ length: width }, () => [2 * draw() - 1, 2 * draw() - 1] as const);
        const x = new Float32Array(rows * width);
        const y = new Int32Array(rows);
        for (let row = 0; row < rows; row++) {
          const ring = Math.floor(draw() * rings);
          const radius = (ring + 0.75 + 0.25 * draw()) / rings;
          // A point of the circle by rejection: no sine, which differs from machine to machine.
          let [a, b] = [1, 1];
          while (a * a + b * b > 1 || a * a + b * b < 0.01) [a, b] = [2 * draw() - 1, 2 * draw() - 1];
          const scale = radius / Math.sqrt(a * a + b * b);
          for (const [at, [u, v]] of sensors.entries()) {
            const [right, up] = [a * scale - u, b * scale - v];
            x[row * width + at] = 1 / (1 + 4 * (right * right + up * up));
          }
          y[row] = ring;
        }
        return { shape: [width], x, y };
      },
    },
  },

  layers: {
    /** Each number times a gain that is learned, 1 at first. */
    Gain: {
      outputShape: (inputShape) => inputShape,
      parameters: (inputShape) => [{ role: "gain", shape: [inputShape.at(-1) ?? 1], initialiser: "zeros" }],
      apply({ tf, input, parameters }) {
        const { add, mul } = tf as Tf;
        return mul(input as Tensor, add(parameters.gain as Tensor, 1));
      },
    },
  },

  losses: {
    /** √(1 + (d/δ)²) − 1, times δ²: squared for small differences, linear for large ones (Charbonnier et al., 1994). */
    "pseudo-huber": {
      apply({ tf, prediction, target, options }) {
        const { add, div, mean, mul, sqrt, square, sub } = tf as Tf;
        const delta = typeof options.delta === "number" ? options.delta : 1;
        const share = div(sub(prediction as Tensor, target as Tensor), delta);
        return mean(mul(sub(sqrt(add(square(share), 1)), 1), delta * delta), 1);
      },
    },
  },

  combiners: {
    /** Every gradient as long as their mean length: no task is heard more because its loss is larger. */
    "equal-lengths": {
      needsGram: true,
      init: () => null,
      solve({ gram, taskCount }) {
        const norms = Array.from({ length: taskCount }, (_, task) =>
          Math.sqrt(gram?.[task * (taskCount + 1)] ?? 0),
        );
        const mean = norms.reduce((sum, norm) => sum + norm, 0) / taskCount;
        return { weights: Float64Array.from(norms, (norm) => (norm > 0 ? mean / norm : 1)), state: null };
      },
    },
  },

  regularisers: {
    /** Neighbours in the job's order are alike: Ω = strength · Σ_t ‖w_t − w_(t+1)‖², tr(W A Wᵀ) for a chain's Laplacian A. */
    chain: {
      kind: "quadratic",
      matrix({ members, options }) {
        const count = members.length;
        const strength = options.user?.strength ?? 1;
        const matrix = new Float64Array(count * count);
        const add = (row: number, column: number, value: number): void => {
          matrix[row * count + column] = (matrix[row * count + column] ?? 0) + strength * value;
        };
        for (let task = 0; task + 1 < count; task++) {
          add(task, task, 1);
          add(task + 1, task + 1, 1);
          add(task, task + 1, -1);
          add(task + 1, task, -1);
        }
        return matrix;
      },
    },
  },
};
