import { type CompleteLayer, completeLayer, type ComputeModel, type MicroBatch } from "@latentweave/model";

/**
 * The layers once more, as written in a textbook: nested loops over one sample, in float64, sharing no code with what
 * they test.
 */
export type Sample = { readonly shape: readonly number[]; readonly values: readonly number[] };
export type Tensors = Readonly<Record<string, readonly number[]>>;

/** Loss of a batch for parameters by tensor name: regression heads and mean squared reconstruction errors only. */
export function referenceLoss(
  model: ComputeModel,
  batch: MicroBatch,
  parameters: ReadonlyMap<string, readonly number[]>,
): number {
  const graph = model.phases[batch.phase]?.tasks.find(({ task }) => task === batch.task);
  if (!graph) throw new Error("no such task");
  let loss = 0;
  for (let sample = 0; sample < batch.samples; sample += 1) {
    const values = new Map<number, Sample>();
    const value = (id: number): Sample => values.get(id) as Sample;
    for (const node of graph.nodes) {
      if (node.op === "input") {
        const numbers = node.shape.reduce((a, b) => a * b, 1);
        const own = batch.x.subarray(sample * numbers, (sample + 1) * numbers);
        values.set(node.id, { shape: node.shape, values: [...own] });
      } else if (node.op === "concat") {
        values.set(node.id, { shape: node.shape, values: node.from.flatMap((id) => value(id).values) });
      } else if (node.op === "sum") {
        values.set(
          node.id,
          weighted(node, () => 1, value),
        );
      } else if (node.op === "mixture") {
        const powers = value(node.gate).values.map(Math.exp);
        const total = powers.reduce((a, b) => a + b, 0);
        values.set(
          node.id,
          weighted(node, (expert) => (powers[expert] ?? NaN) / total, value),
        );
      } else if (node.op === "stitch") {
        const weights = parameters.get(node.parameters[0]?.tensor ?? "") ?? [];
        const learned = (column: number): number => weights[node.row * node.from.length + column] ?? NaN;
        values.set(
          node.id,
          weighted(node, (column) => (node.start[column] ?? NaN) + learned(column), value),
        );
      } else if (node.op === "film") {
        const tensors = Object.fromEntries(
          node.parameters.map(({ role, tensor }) => [role, parameters.get(tensor) ?? []]),
        );
        const { values: x } = value(node.from);
        values.set(node.id, { shape: node.shape, values: filmed(x, node.shape.at(-1) ?? 1, tensors) });
      } else if (node.op !== "layer") {
        throw new Error(`the reference has no node "${node.op}"`);
      } else {
        const tensors = Object.fromEntries(
          node.parameters.map(({ role, tensor }) => [role, parameters.get(tensor) ?? []]),
        );
        values.set(node.id, {
          shape: node.shape,
          values: apply(completeLayer(node.layer), value(node.from), node.shape, tensors),
        });
      }
    }
    for (const term of graph.losses) {
      if (!(term.kind === "regression" || (term.kind === "reconstruction" && term.loss === "mse")))
        throw new Error("the reference has no such loss");
      const prediction = value(term.prediction).values;
      const all = term.kind === "regression" ? batch.columns[term.column] : batch.x;
      const target = all?.slice(sample * prediction.length, (sample + 1) * prediction.length) ?? [];
      const squares = prediction.map((p, i) => (p - (target[i] ?? NaN)) ** 2);
      loss += (term.weight * squares.reduce((a, b) => a + b, 0)) / squares.length;
    }
  }
  return loss;
}

function weighted(
  { from, shape }: { readonly from: readonly number[]; readonly shape: readonly number[] },
  weight: (index: number) => number,
  value: (id: number) => Sample,
): Sample {
  const parts = from.map((id, index) => value(id).values.map((x) => weight(index) * x));
  return { shape, values: parts.reduce((a, b) => a.map((x, i) => x + (b[i] ?? NaN))) };
}

function filmed(x: readonly number[], channels: number, tensors: Tensors): number[] {
  const { embedding = [], scale = [], shift = [] } = tensors;
  const told = (by: readonly number[], channel: number): number =>
    embedding.reduce((sum, e, k) => sum + e * (by[k * channels + channel] ?? NaN), 0);
  return x.map((number, i) => number * (1 + told(scale, i % channels)) + told(shift, i % channels));
}

export function apply(
  layer: CompleteLayer,
  input: Sample,
  output: readonly number[],
  tensors: Tensors,
): number[] {
  switch (layer.kind) {
    case "dense": {
      const { kernel = [], bias = [] } = tensors;
      return Array.from({ length: layer.units }, (_, unit) =>
        input.values.reduce(
          (sum, x, i) => sum + x * (kernel[i * layer.units + unit] ?? NaN),
          bias[unit] ?? 0,
        ),
      );
    }
    case "convolution":
      return convolution(layer, input, output, tensors);
    case "transposedConvolution":
      return transposedConvolution(layer, input, output, tensors);
    case "pooling":
      return everyPlace(output).map(([y = 0, x = 0, channel = 0]) => {
        const seen: number[] = [];
        for (let dy = 0; dy < layer.size; dy += 1)
          for (let dx = 0; dx < layer.size; dx += 1)
            seen.push(at(input, [y * layer.strides + dy, x * layer.strides + dx, channel]));
        return layer.pool === "max" ? Math.max(...seen) : seen.reduce((a, b) => a + b, 0) / seen.length;
      });
    case "normalisation":
      return normalisation(layer.groups, layer.epsilon, input, tensors);
    case "activation":
      return input.values.map((x) => activations[layer.activation]?.(x) ?? NaN);
    case "reshape":
    case "flatten":
      return [...input.values];
    default:
      throw new Error(`the reference has no layer "${layer.kind}"`);
  }
}

const activations: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  softplus: (x) => Math.log(1 + Math.exp(x)),
  leakyRelu: (x) => (x > 0 ? x : 0.2 * x),
  linear: (x) => x,
};

type Convolution = Extract<CompleteLayer, { readonly filters: number }>;

/** TensorFlow's "same": as much padding as the last window needs, the odd one at the end. */
function padBefore(layer: Convolution, size: number, windows: number): number {
  if (layer.padding === "valid") return 0;
  return Math.floor(Math.max((windows - 1) * layer.strides + layer.kernel - size, 0) / 2);
}

function convolution(
  layer: Convolution,
  input: Sample,
  output: readonly number[],
  tensors: Tensors,
): number[] {
  const { kernel = [], bias = [] } = tensors;
  const [height = 0, width = 0, channels = 0] = input.shape;
  const top = padBefore(layer, height, output[0] ?? 0);
  const left = padBefore(layer, width, output[1] ?? 0);
  return everyPlace(output).map(([y = 0, x = 0, filter = 0]) => {
    let sum = bias[filter] ?? 0;
    for (let dy = 0; dy < layer.kernel; dy += 1)
      for (let dx = 0; dx < layer.kernel; dx += 1)
        for (let channel = 0; channel < channels; channel += 1)
          sum +=
            at(input, [y * layer.strides + dy - top, x * layer.strides + dx - left, channel]) *
            (kernel[((dy * layer.kernel + dx) * channels + channel) * layer.filters + filter] ?? NaN);
    return sum;
  });
}

/** Every input number is spread over the window from which the convolution back would gather it. */
function transposedConvolution(
  layer: Convolution,
  input: Sample,
  output: readonly number[],
  tensors: Tensors,
): number[] {
  const { kernel = [], bias = [] } = tensors;
  const [height = 0, width = 0, channels = 0] = input.shape;
  const [outHeight = 0, outWidth = 0] = output;
  const top = padBefore(layer, outHeight, height);
  const left = padBefore(layer, outWidth, width);
  const result = everyPlace(output).map(([, , filter = 0]) => bias[filter] ?? 0);
  for (const place of everyPlace(input.shape)) {
    const [y = 0, x = 0, channel = 0] = place;
    for (let dy = 0; dy < layer.kernel; dy += 1)
      for (let dx = 0; dx < layer.kernel; dx += 1)
        for (let filter = 0; filter < layer.filters; filter += 1) {
          const row = y * layer.strides + dy - top;
          const column = x * layer.strides + dx - left;
          if (row < 0 || row >= outHeight || column < 0 || column >= outWidth) continue;
          const index = (row * outWidth + column) * layer.filters + filter;
          const weight = kernel[((dy * layer.kernel + dx) * layer.filters + filter) * channels + channel];
          result[index] = (result[index] ?? NaN) + at(input, place) * (weight ?? NaN);
        }
  }
  return result;
}

function normalisation(groups: number, epsilon: number, input: Sample, tensors: Tensors): number[] {
  const { scale = [], bias = [] } = tensors;
  const channels = input.shape.at(-1) ?? 0;
  const perGroup = channels / groups;
  return input.values.map((value, index) => {
    const channel = index % channels;
    const place = Math.floor(index / channels);
    const group = Math.floor(channel / perGroup);
    const family = input.values.filter((_, other) => {
      const same = Math.floor((other % channels) / perGroup) === group;
      return same && (groups > 1 || Math.floor(other / channels) === place);
    });
    const mean = family.reduce((a, b) => a + b, 0) / family.length;
    const variance = family.reduce((sum, x) => sum + (x - mean) ** 2, 0) / family.length;
    return (
      ((value - mean) / Math.sqrt(variance + epsilon)) * (scale[channel] ?? NaN) + (bias[channel] ?? NaN)
    );
  });
}

/** Zero outside of the image. */
function at({ shape, values }: Sample, [y = 0, x = 0, channel = 0]: readonly number[]): number {
  const [height = 0, width = 0, channels = 0] = shape;
  if (y < 0 || y >= height || x < 0 || x >= width) return 0;
  return values[(y * width + x) * channels + channel] ?? NaN;
}

function everyPlace([height = 0, width = 0, channels = 0]: readonly number[]): number[][] {
  return Array.from({ length: height * width * channels }, (_, index) => [
    Math.floor(index / (width * channels)),
    Math.floor(index / channels) % width,
    index % channels,
  ]);
}
