import {
  type AdversarialLatent,
  type ComputeModel,
  type LayerSpec,
  type ModelDescription,
  resolveModel,
  type TaskDescription,
  type UserLayer,
  type VariationalLatent,
} from "@latentweave/model";

export const inputNumbers = 12;

const shape = {
  inputShape: [inputNumbers],
  columns: [
    { name: "label", kind: "class", classes: 3 },
    { name: "value", kind: "number", numbers: 1 },
  ],
} as const;

const dense = (units: number, activation: "relu" | "sigmoid" | "linear" = "linear"): LayerSpec => ({
  kind: "dense",
  units,
  activation,
});

/** Tasks `one` (reconstruction, classification, regression) and `two` (reconstruction) over a shared trunk. */
export function sharedModel(trunk: readonly LayerSpec[] = [dense(6, "relu")]): ComputeModel {
  return modelOf({
    tasks: {
      one: {
        ...autoencoder,
        heads: {
          label: { kind: "classification", column: "label", classes: 3, layers: [], weight: 0.5 },
          value: { kind: "regression", column: "value", classes: null, layers: [], weight: 0.25 },
        },
      },
      two: { ...autoencoder, heads: {} },
    },
    model: {
      kind: "shared",
      trunk,
      latent: { units: 4, activation: "linear" },
      trunkDecoder: [dense(6, "relu")],
    },
    regulariser: { omega: "none", on: "encoder" },
  });
}

/** Two autoencoders, pre-trained, then every input through both of them. */
export function bankModel(): ComputeModel {
  return modelOf({
    tasks: { one: { ...autoencoder, heads: {} }, two: { ...autoencoder, heads: {} } },
    model: { kind: "bank", activation: "sigmoid" },
    regulariser: { omega: "none", on: "encoder" },
  });
}

/** Two image tasks with convolutions, pooling, normalisation and dropout. */
export function convolutionalModel(): ComputeModel {
  const task = {
    input: null,
    encoder: [
      { kind: "convolution", filters: 4, kernel: 3, activation: "relu" },
      { kind: "normalisation", groups: 2 },
      { kind: "pooling", pool: "max", size: 2 },
      { kind: "flatten" },
    ],
    decoder: [
      dense(8 * 8, "relu"),
      { kind: "dropout", rate: 0.25 },
      { kind: "reshape", shape: [4, 4, 4] },
      { kind: "transposedConvolution", filters: 1, kernel: 3, strides: 2, activation: "sigmoid" },
    ],
    reconstruction: { loss: "bce", weight: 1 },
    heads: {},
  } as const;
  const image = { inputShape: [8, 8, 1], columns: [] };
  return modelOf(
    {
      tasks: { one: task, two: task },
      model: {
        kind: "shared",
        trunk: [],
        latent: { units: 4, activation: "linear" },
        trunkDecoder: [],
      },
      regulariser: { omega: "none", on: "encoder" },
    },
    { one: image, two: image },
  );
}

/** One task of the inputs above, and nothing shared. */
export function privateModel(
  task: Partial<TaskDescription>,
  inputShape: readonly number[] = [inputNumbers],
): ComputeModel {
  return modelOf(
    {
      tasks: { one: { ...autoencoder, heads: {}, ...task } },
      model: { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
    },
    { one: { ...shape, inputShape, levels: { black: 0, range: [0, 1] } } },
  );
}

/** Two tasks that share a variational latent. */
export function variationalModel(latent: Partial<VariationalLatent> = {}): ComputeModel {
  const task = { ...autoencoder, reconstruction: { loss: "bce", weight: 1, reduction: "sum" } } as const;
  return modelOf({
    tasks: { one: { ...task, binarise: true, heads: {} }, two: { ...task, heads: {} } },
    model: { kind: "shared", trunk: [], latent: { ...variational, ...latent }, trunkDecoder: [] },
    regulariser: { omega: "none", on: "encoder" },
  });
}

export const variational: VariationalLatent = {
  kind: "variational",
  units: 3,
  beta: 1,
  annealing: null,
  freeBits: 0,
  samples: 1,
};

/** Two tasks that share an adversarial latent. */
export function adversarialModel(latent: Partial<AdversarialLatent> = {}): ComputeModel {
  return modelOf({
    tasks: { one: { ...autoencoder, heads: {} }, two: { ...autoencoder, heads: {} } },
    model: { kind: "shared", trunk: [], latent: { ...adversarial, ...latent }, trunkDecoder: [] },
    regulariser: { omega: "none", on: "encoder" },
  });
}

export const adversarial: AdversarialLatent = {
  kind: "adversarial",
  units: 3,
  discriminator: [{ kind: "dense", units: 4, activation: "sigmoid" }],
  weight: 1,
};

/** One task whose encoder is a layer of the job's own module; `layer` answers for its shapes. */
export function userModel(text: string, name: string, layer: UserLayer): ComputeModel {
  const { layout, phases } = resolveModel(
    {
      tasks: { one: { ...autoencoder, encoder: [{ kind: "user", layer: name }], heads: {} } },
      model: { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
    },
    { one: shape },
    { [name]: layer },
  );
  return { layout, phases, seed: 9, userModule: text };
}

const autoencoder = {
  input: null,
  encoder: [dense(8, "relu")],
  decoder: [dense(8, "relu"), dense(inputNumbers, "sigmoid")],
  reconstruction: { loss: "bce", weight: 1 },
} as const;

function modelOf(
  description: ModelDescription,
  shapes: Parameters<typeof resolveModel>[1] = { one: shape, two: shape },
): ComputeModel {
  const { layout, phases } = resolveModel(description, shapes);
  return { layout, phases, seed: 9 };
}
