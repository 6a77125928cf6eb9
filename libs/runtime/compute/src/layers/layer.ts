import type { CompleteLayer, UserLayer } from "@latentweave/model";
import type { Kernels } from "./kernels.ts";
import type { KeyedRandom } from "./keyed-random.ts";
import type { Tensor, Tf } from "./tensorflow.ts";

/** What a layer sees of one application of it to one micro-batch. */
export interface LayerContext<Spec extends CompleteLayer = CompleteLayer> {
  readonly tf: Tf;
  readonly kernels: Kernels;
  readonly spec: Spec;
  /** The layer's name in the model: for messages, and part of every key. */
  readonly name: string;
  /** [batch, ...inputShape] */
  readonly input: Tensor;
  readonly inputShape: readonly number[];
  /** What the model's shape inference promised, without the batch. */
  readonly outputShape: readonly number[];
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly training: boolean;
  readonly random: KeyedRandom;
  readonly userLayers: Readonly<Record<string, UserLayer>>;
}

export type LayerKind = CompleteLayer["kind"];

/** Some kinds share one description, so this asks whether a description may be of the kind, not whether it must. */
type SpecOf<Kind, Spec = CompleteLayer> = Spec extends CompleteLayer
  ? Kind extends Spec["kind"]
    ? Spec
    : never
  : never;

/** Forward pass of a layer: [batch, ...inputShape] to [batch, ...outputShape], differentiable by the tape. */
export type LayerForward<Kind extends LayerKind> = (context: LayerContext<SpecOf<Kind>>) => Tensor;

/** The tensor that a layer calls `role`. */
export function parameter(context: LayerContext, role: string): Tensor {
  const tensor = context.parameters.get(role);
  if (tensor === undefined)
    throw new LayerError(
      context.name,
      `it needs a tensor "${role}", which the model's layout does not give it`,
    );
  return tensor;
}

/** A layer cannot be computed as the model describes it. */
export class LayerError extends Error {
  override readonly name = "LayerError";
  readonly layer: string;

  constructor(layer: string, problem: string, options?: ErrorOptions) {
    super(`layer "${layer}": ${problem}`, options);
    this.layer = layer;
  }
}
