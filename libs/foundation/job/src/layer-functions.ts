import type { ActivationName, InitialiserName, LayerSpec } from "@latentweave/model";

type Layer<Kind extends LayerSpec["kind"]> = Extract<LayerSpec, { kind: Kind }>;

interface WeightOptions {
  readonly useBias?: boolean;
  readonly initialiser?: InitialiserName;
}

interface ConvolutionOptions extends WeightOptions {
  readonly strides?: number;
  readonly padding?: "same" | "valid";
  readonly activation?: ActivationName;
}

/** Rows of numbers [in] → [units]. */
export function dense(units: number, activation?: ActivationName, options?: WeightOptions): Layer<"dense"> {
  return { kind: "dense", units, ...(activation === undefined ? {} : { activation }), ...options };
}

/** Images [height, width, in] → [height / strides, width / strides, filters], with a square window. */
export function convolution(filters: number, kernel: number, options?: ConvolutionOptions): LayerSpec {
  return { kind: "convolution", filters, kernel, ...options };
}

/** Images [height, width, in] → [height · strides, width · strides, filters]. */
export function transposedConvolution(
  filters: number,
  kernel: number,
  options?: ConvolutionOptions,
): LayerSpec {
  return { kind: "transposedConvolution", filters, kernel, ...options };
}

export function maxPooling(size: number, strides?: number): Layer<"pooling"> {
  return { kind: "pooling", pool: "max", size, ...(strides === undefined ? {} : { strides }) };
}

export function averagePooling(size: number, strides?: number): Layer<"pooling"> {
  return { kind: "pooling", pool: "average", size, ...(strides === undefined ? {} : { strides }) };
}

/** While training, sets this share of numbers to zero and scales the others up. */
export function dropout(rate: number): Layer<"dropout"> {
  return { kind: "dropout", rate };
}

/** Layer normalisation over the last axis; with `groups`, group normalisation. */
export function normalisation(options?: {
  readonly groups?: number;
  readonly epsilon?: number;
}): Layer<"normalisation"> {
  return { kind: "normalisation", ...options };
}

export function reshape(shape: readonly number[]): Layer<"reshape"> {
  return { kind: "reshape", shape };
}

export function flatten(): Layer<"flatten"> {
  return { kind: "flatten" };
}

export function activation(name: ActivationName): Layer<"activation"> {
  return { kind: "activation", activation: name };
}

/** A layer of the job's own module, by its name there. */
export function userLayer(layer: string, options?: Readonly<Record<string, unknown>>): Layer<"user"> {
  return { kind: "user", layer, ...(options === undefined ? {} : { options }) };
}
