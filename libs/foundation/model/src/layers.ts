export type ActivationName = "linear" | "relu" | "sigmoid" | "tanh" | "gelu" | "softplus" | "leakyRelu";
export type InitialiserName = "glorotUniform" | "heNormal" | "zeros";

/** Layers as a job writes them. Activations are split off into layers of their own when the model is resolved. */
export type LayerSpec =
  | {
      readonly kind: "dense";
      readonly units: number;
      readonly activation?: ActivationName;
      readonly useBias?: boolean;
      readonly initialiser?: InitialiserName;
    }
  | {
      readonly kind: "convolution" | "transposedConvolution";
      readonly filters: number;
      readonly kernel: number;
      readonly strides?: number;
      readonly padding?: "same" | "valid";
      readonly activation?: ActivationName;
      readonly useBias?: boolean;
      readonly initialiser?: InitialiserName;
    }
  | {
      readonly kind: "pooling";
      readonly pool: "max" | "average";
      readonly size: number;
      readonly strides?: number;
    }
  | { readonly kind: "dropout"; readonly rate: number }
  /** Normalises each sample by itself (layer normalisation over its last axis; `groups` > 1: group normalisation). */
  | { readonly kind: "normalisation"; readonly groups?: number; readonly epsilon?: number }
  | { readonly kind: "reshape"; readonly shape: readonly number[] }
  | { readonly kind: "flatten" }
  | { readonly kind: "activation"; readonly activation: ActivationName }
  /** A layer from the job's own module: see UserLayer. */
  | { readonly kind: "user"; readonly layer: string; readonly options?: Readonly<Record<string, unknown>> };

/**
 * A layer that a job brings along (`layers: "./my-layers.ts"` exports a record of these by name). `apply` gets the
 * TensorFlow.js namespace, so the job's module needs no dependency; randomness comes from `random` alone.
 */
export interface UserLayer {
  outputShape(inputShape: readonly number[], options: Readonly<Record<string, unknown>>): readonly number[];
  parameters(
    inputShape: readonly number[],
    options: Readonly<Record<string, unknown>>,
  ): readonly {
    readonly role: string;
    readonly shape: readonly number[];
    readonly initialiser?: InitialiserName;
  }[];
  apply(context: UserLayerContext): unknown;
}

export interface UserLayerContext {
  /** `@tensorflow/tfjs-core`. */
  readonly tf: unknown;
  /** Input tensor, [batch, ...inputShape]. */
  readonly input: unknown;
  /** Tensors by role. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly training: boolean;
  /** Keyed uniform draws in [0, 1), a tensor of this shape; `draw` numbers the calls within one application. */
  readonly random: (shape: readonly number[], draw: number) => unknown;
}
