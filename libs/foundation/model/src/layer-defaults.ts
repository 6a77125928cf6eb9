import type { LayerSpec } from "./layers.ts";

type Complete<Layer> = Layer extends LayerSpec ? Required<Layer> : never;

/** A layer with nothing left open. */
export type CompleteLayer = Complete<LayerSpec>;

/** Fills in what a layer leaves open; docs/job.md lists the same defaults. */
export function completeLayer(layer: LayerSpec): CompleteLayer {
  switch (layer.kind) {
    case "dense":
      return {
        kind: layer.kind,
        units: layer.units,
        activation: layer.activation ?? "linear",
        useBias: layer.useBias ?? true,
        initialiser: layer.initialiser ?? "glorotUniform",
      };
    case "convolution":
    case "transposedConvolution":
      return {
        kind: layer.kind,
        filters: layer.filters,
        kernel: layer.kernel,
        strides: layer.strides ?? 1,
        padding: layer.padding ?? "same",
        activation: layer.activation ?? "linear",
        useBias: layer.useBias ?? true,
        initialiser: layer.initialiser ?? "glorotUniform",
      };
    case "pooling":
      return { kind: layer.kind, pool: layer.pool, size: layer.size, strides: layer.strides ?? layer.size };
    case "normalisation":
      return { kind: layer.kind, groups: layer.groups ?? 1, epsilon: layer.epsilon ?? 1e-5 };
    case "user":
      return { kind: layer.kind, layer: layer.layer, options: layer.options ?? {} };
    case "dropout":
    case "reshape":
    case "flatten":
    case "activation":
      return layer;
  }
}
