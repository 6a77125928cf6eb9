import type { Arithmetic } from "@latentweave/arithmetic";
import { type ActivationName, completeLayer, type LayerSpec } from "@latentweave/model";

/** One layer applied to one batch: its values, and how to go back from their adjoints. All arrays are row-major. */
export interface PlainApplication {
  readonly output: Float64Array;
  /** Adjoints of the input; adds those of the layer's tensors to `parameterAdjoints`. */
  readonly backward: (outputAdjoints: Float64Array) => Float64Array;
}

export interface PlainLayerInput {
  readonly arithmetic: Arithmetic;
  readonly name: string;
  readonly layer: LayerSpec;
  readonly input: Float64Array;
  /** By role. */
  readonly parameters: ReadonlyMap<string, Float64Array>;
  /** By role, as long as the tensors; added to. */
  readonly parameterAdjoints: ReadonlyMap<string, Float64Array>;
}

/** @throws Error for a kind of layer that this compute does not know. */
export function applyPlainLayer(input: PlainLayerInput): PlainApplication {
  const layer = completeLayer(input.layer);
  switch (layer.kind) {
    case "dense":
      return dense(input, layer.units, layer.useBias);
    case "activation":
      return activation(input, layer.activation);
    case "reshape":
    case "flatten":
      return { output: input.input, backward: (adjoints) => adjoints };
    default:
      throw new Error(`layer "${input.name}": the plain compute has no layers of kind "${layer.kind}"`);
  }
}

function dense(layer: PlainLayerInput, units: number, useBias: boolean): PlainApplication {
  const { input, name } = layer;
  const kernel = tensorOf(layer.parameters, "kernel", name);
  const bias = useBias ? tensorOf(layer.parameters, "bias", name) : undefined;
  const inputs = kernel.length / units;
  const samples = input.length / inputs;
  const output = new Float64Array(samples * units);
  for (let sample = 0; sample < samples; sample += 1) {
    const row = output.subarray(sample * units, (sample + 1) * units);
    if (bias) row.set(bias);
    for (let i = 0; i < inputs; i += 1)
      addScaled(row, kernel, i * units, input[sample * inputs + i] as number);
  }
  return {
    output,
    backward: (adjoints) => {
      const kernelAdjoints = tensorOf(layer.parameterAdjoints, "kernel", name);
      const biasAdjoints = useBias ? tensorOf(layer.parameterAdjoints, "bias", name) : undefined;
      const inputAdjoints = new Float64Array(input.length);
      for (let sample = 0; sample < samples; sample += 1) {
        const row = adjoints.subarray(sample * units, (sample + 1) * units);
        if (biasAdjoints) addScaled(biasAdjoints, row, 0, 1);
        for (let i = 0; i < inputs; i += 1) {
          const at = sample * inputs + i;
          inputAdjoints[at] = dot(kernel, i * units, row);
          addScaled(kernelAdjoints.subarray(i * units, (i + 1) * units), row, 0, input[at] as number);
        }
      }
      return inputAdjoints;
    },
  };
}

function tensorOf(tensors: ReadonlyMap<string, Float64Array>, role: string, name: string): Float64Array {
  const tensor = tensors.get(role);
  if (!tensor) throw new Error(`layer "${name}" has no tensor "${role}"`);
  return tensor;
}

/** target += factor · source[from, from + target.length) */
function addScaled(target: Float64Array, source: Float64Array, from: number, factor: number): void {
  for (let i = 0; i < target.length; i += 1)
    target[i] = (target[i] as number) + factor * (source[from + i] as number);
}

function dot(a: Float64Array, from: number, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i += 1) sum += (a[from + i] as number) * (b[i] as number);
  return sum;
}

/** Value and derivative of an elementwise function, the latter from the input and the value. */
interface Elementwise {
  readonly value: (x: number, arithmetic: Arithmetic) => number;
  readonly derivative: (x: number, y: number, arithmetic: Arithmetic) => number;
}

const leakySlope = 0.2;
/** sqrt(2 / π), of gelu's tanh form. */
const geluScale = 0.7978845608028654;
const geluCube = 0.044715;

export function sigmoid(x: number, { exp }: Arithmetic): number {
  return 1 / (1 + exp(-x));
}

/** log(1 + e^x) without overflow. */
export function softplus(x: number, { exp, log }: Arithmetic): number {
  return Math.max(x, 0) + log(1 + exp(-Math.abs(x)));
}

const elementwise: Readonly<Record<ActivationName, Elementwise>> = {
  linear: { value: (x) => x, derivative: () => 1 },
  relu: { value: (x) => Math.max(x, 0), derivative: (x) => (x > 0 ? 1 : 0) },
  sigmoid: { value: sigmoid, derivative: (_x, y) => y * (1 - y) },
  tanh: { value: (x, { tanh }) => tanh(x), derivative: (_x, y) => 1 - y * y },
  gelu: {
    value: (x, { tanh }) => 0.5 * x * (1 + tanh(geluScale * (x + geluCube * x * x * x))),
    derivative: (x, _y, { tanh }) => {
      const t = tanh(geluScale * (x + geluCube * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * geluScale * (1 + 3 * geluCube * x * x);
    },
  },
  softplus: { value: softplus, derivative: (x, _y, arithmetic) => sigmoid(x, arithmetic) },
  leakyRelu: {
    value: (x) => (x > 0 ? x : leakySlope * x),
    derivative: (x) => (x > 0 ? 1 : leakySlope),
  },
};

function activation({ input, arithmetic }: PlainLayerInput, name: ActivationName): PlainApplication {
  const { value, derivative } = elementwise[name];
  const output = input.map((x) => value(x, arithmetic));
  return {
    output,
    backward: (adjoints) =>
      adjoints.map((dy, i) => dy * derivative(input[i] as number, output[i] as number, arithmetic)),
  };
}
