import { ownership } from "@latentweave/parameters";
import { describe, expect, it } from "vitest";
import type { DataShape, ModelDescription, TaskDescription } from "./description.ts";
import type { GraphNode, TaskGraph } from "./graph.ts";
import type { LayerSpec } from "./layers.ts";
import { resolveModel } from "./resolve-model.ts";

const dense = (units: number, activation?: "relu" | "sigmoid"): LayerSpec => ({
  kind: "dense",
  units,
  ...(activation ? { activation } : {}),
});

function task(changes: Partial<TaskDescription> = {}): TaskDescription {
  return {
    input: null,
    encoder: [dense(512, "relu"), dense(32)],
    decoder: [dense(512, "relu"), dense(784, "sigmoid")],
    reconstruction: { loss: "bce", weight: 1 },
    heads: {},
    ...changes,
  };
}

function describeModel(
  tasks: ModelDescription["tasks"],
  model: ModelDescription["model"] = { kind: "private" },
  regulariser: ModelDescription["regulariser"] = { omega: "none", on: "encoder" },
): ModelDescription {
  return { tasks, model, regulariser };
}

const flat: DataShape = { inputShape: [784], columns: [{ name: "y", kind: "class", classes: 10 }] };
const image: DataShape = { inputShape: [28, 28, 1], columns: [{ name: "y", kind: "class", classes: 10 }] };

const label = {
  label: { kind: "classification", column: "y", classes: null, layers: [], weight: 0.5 },
} as const;

function nodeOf(graph: TaskGraph | undefined, id: number | undefined): GraphNode {
  const node = graph?.nodes[id ?? -1];
  if (!node) throw new Error(`no node ${id ?? "at all"}`);
  return node;
}

describe("a private autoencoder", () => {
  const { layout, groups, phases } = resolveModel(describeModel({ digits: task() }), { digits: flat });
  const graph = phases[0]?.tasks[0];

  it("784-512-32-512-784 has 837,424 parameters", () => {
    expect(layout.parameters).toBe(837_424);
  });

  it("names groups and tensors by task, part, layer and role", () => {
    expect(
      groups.map(({ name, tasks, tensors }) => ({
        name,
        tasks,
        tensors: tensors.map((tensor) => `${tensor.name} ${tensor.shape.join("x")}`),
      })),
    ).toEqual([
      {
        name: "digits/encoder",
        tasks: ["digits"],
        tensors: [
          "digits/encoder/0/kernel 784x512",
          "digits/encoder/0/bias 512",
          "digits/encoder/1/kernel 512x32",
          "digits/encoder/1/bias 32",
        ],
      },
      {
        name: "digits/decoder",
        tasks: ["digits"],
        tensors: [
          "digits/decoder/0/kernel 32x512",
          "digits/decoder/0/bias 512",
          "digits/decoder/1/kernel 512x784",
          "digits/decoder/1/bias 784",
        ],
      },
    ]);
  });

  it("starts kernels by Glorot's limit and biases at zero", () => {
    const limit = Math.sqrt(6 / (784 + 512));
    expect(groups[0]?.tensors[0]?.initialiser).toEqual({ kind: "uniform", low: -limit, high: limit });
    expect(groups[0]?.tensors[1]?.initialiser).toEqual({ kind: "constant", value: 0 });
  });

  it("splits activations off, so that cross-entropy finds the logits", () => {
    expect(graph?.nodes.map((node) => (node.op === "layer" ? node.name : node.op))).toEqual([
      "input",
      "digits/encoder/0",
      "digits/encoder/0/activation",
      "digits/encoder/1",
      "digits/decoder/0",
      "digits/decoder/0/activation",
      "digits/decoder/1",
      "digits/decoder/1/activation",
    ]);
    expect(graph?.losses).toEqual([
      { kind: "reconstruction", name: "reconstruction", loss: "bce", weight: 1, prediction: 7, logits: 6 },
    ]);
    expect(graph?.latent).toBe(3);
    expect(graph?.reconstruction).toBe(7);
  });

  it("moves a sigmoid behind a reshaping that follows it", () => {
    const reshaped = task({
      encoder: [{ kind: "flatten" }, dense(8)],
      decoder: [dense(784, "sigmoid"), { kind: "reshape", shape: [28, 28, 1] }],
    });
    const model = resolveModel(describeModel({ digits: reshaped }), { digits: image });
    const only = model.phases[0]?.tasks[0];
    const [term] = only?.losses ?? [];
    if (term?.kind !== "reconstruction") throw new Error("no reconstruction");
    expect(nodeOf(only, term.logits)).toMatchObject({ layer: { kind: "reshape" }, shape: [28, 28, 1] });
    expect(nodeOf(only, term.prediction)).toMatchObject({ layer: { kind: "activation" } });
  });

  it("takes the input in the shape that the task asks for", () => {
    const model = resolveModel(describeModel({ digits: task({ input: [784] }) }), { digits: image });
    expect(model.phases[0]?.tasks[0]?.nodes[0]).toEqual({ id: 0, op: "input", shape: [784] });
  });
});

describe("heads", () => {
  it("end in a dense layer as wide as their column", () => {
    const heads = {
      ...label,
      size: { kind: "regression", column: "n", classes: null, layers: [dense(7, "relu")], weight: 2 },
    } as const;
    const shape: DataShape = {
      ...flat,
      columns: [...flat.columns, { name: "n", kind: "number", numbers: 3 }],
    };
    const { phases, groups } = resolveModel(describeModel({ digits: task({ heads }) }), { digits: shape });
    const graph = phases[0]?.tasks[0];
    const [, classes, numbers] = graph?.losses ?? [];
    if (classes?.kind !== "classification" || numbers?.kind !== "regression") throw new Error("wrong terms");
    expect(nodeOf(graph, classes.logits).shape).toEqual([10]);
    expect(classes).toMatchObject({ name: "label", column: "y", classes: 10, weight: 0.5 });
    expect(nodeOf(graph, numbers.prediction).shape).toEqual([3]);
    expect(numbers).toMatchObject({ name: "size", column: "n", weight: 2 });
    expect(groups.map(({ name }) => name)).toEqual([
      "digits/encoder",
      "digits/head/label",
      "digits/head/size",
      "digits/decoder",
    ]);
  });

  it("learn without a reconstruction too, and then there is no decoder", () => {
    const only = task({ reconstruction: false, decoder: [], heads: label });
    const { phases, groups } = resolveModel(describeModel({ digits: only }), { digits: flat });
    expect(phases[0]?.tasks[0]?.reconstruction).toBeUndefined();
    expect(groups.map(({ name }) => name)).toEqual(["digits/encoder", "digits/head/label"]);
  });

  it("flatten a latent that is an image", () => {
    const pooled = task({
      encoder: [{ kind: "pooling", pool: "average", size: 4 }],
      decoder: [],
      reconstruction: false,
      heads: label,
    });
    const { groups } = resolveModel(describeModel({ digits: pooled }), { digits: image });
    expect(groups[0]?.tensors[0]?.shape).toEqual([49, 10]);
  });
});

describe("a shared trunk", () => {
  const shared = {
    kind: "shared",
    trunk: [dense(128, "relu")],
    latent: { units: 32, activation: "linear" },
    trunkDecoder: [dense(128, "relu")],
  } as const;
  const tasks = {
    digits: task({ encoder: [dense(64, "relu")], decoder: [dense(784, "sigmoid")], heads: label }),
    fashion: task({ encoder: [dense(64, "relu")], decoder: [dense(784, "sigmoid")] }),
    bare: task({ encoder: [dense(64)], decoder: [], reconstruction: false, heads: label }),
  };
  const shapes = { digits: flat, fashion: flat, bare: flat };
  const { groups, phases } = resolveModel(describeModel(tasks, shared), shapes);

  it("is used by every task whose loss depends on it", () => {
    expect(Object.fromEntries(groups.map((group) => [group.name, group.tasks]))).toEqual({
      "digits/encoder": ["digits"],
      "shared/trunk": ["digits", "fashion", "bare"],
      "digits/head/label": ["digits"],
      "shared/trunk-decoder": ["digits", "fashion"],
      "digits/decoder": ["digits"],
      "fashion/encoder": ["fashion"],
      "fashion/decoder": ["fashion"],
      "bare/encoder": ["bare"],
      "bare/head/label": ["bare"],
    });
    expect(phases[0]?.tasks[2]?.groups).toEqual(["shared/trunk", "bare/encoder", "bare/head/label"]);
  });

  it("ends in the latent", () => {
    const graph = phases[0]?.tasks[0];
    expect(nodeOf(graph, graph?.latent)).toMatchObject({ name: "shared/trunk/latent", shape: [32] });
  });

  it("refuses tasks that enter it in different shapes, and names both", () => {
    const odd = { ...tasks, fashion: { ...tasks.fashion, encoder: [dense(65, "relu")] } };
    expect(() => resolveModel(describeModel(odd, shared), shapes)).toThrow(
      'tasks.fashion.encoder: yields samples of shape [65], but the encoder of "digits" yields [64]',
    );
  });
});

describe("a bank of autoencoders", () => {
  const width = 20;
  const auto = task({
    encoder: [dense(64, "relu"), dense(32, "relu")],
    decoder: [dense(64, "relu"), dense(width, "sigmoid")],
  });
  const shapes = {
    a: { inputShape: [width], columns: [] },
    b: { inputShape: [width], columns: [] },
    c: { inputShape: [width], columns: [] },
  };
  const bank = { kind: "bank", activation: "sigmoid" } as const;
  const { groups, layout, phases } = resolveModel(describeModel({ a: auto, b: auto, c: auto }, bank), shapes);

  it("has every task use every autoencoder", () => {
    expect(Object.fromEntries(groups.map((group) => [group.name, group.tasks]))).toEqual({
      "a/encoder": ["a", "b", "c"],
      "a/decoder": ["a", "b", "c"],
      "b/encoder": ["a", "b", "c"],
      "b/decoder": ["a", "b", "c"],
      "c/encoder": ["a", "b", "c"],
      "c/decoder": ["a", "b", "c"],
      "bank/head": ["a", "b", "c"],
    });
    expect(layout.groups.every(({ shared }) => shared)).toBe(true);
  });

  it("trains each alone first, then all under one head", () => {
    expect(phases.map(({ name }) => name)).toEqual(["pretrain", "bank"]);
    expect(phases[0]?.tasks[1]?.groups).toEqual(["b/encoder", "b/decoder"]);
    expect(phases[1]?.tasks[1]?.groups).toEqual(groups.map(({ name }) => name));
  });

  it("puts Dense(D, sigmoid) over the T reconstructions", () => {
    const graph = phases[1]?.tasks[0];
    const concat = graph?.nodes.find((node) => node.op === "concat");
    expect(concat?.shape).toEqual([3 * width]);
    expect(groups.at(-1)?.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ["bank/head/kernel", [3 * width, width]],
      ["bank/head/bias", [width]],
    ]);
    const [term] = graph?.losses ?? [];
    if (term?.kind !== "reconstruction") throw new Error("no reconstruction");
    expect(nodeOf(graph, term.logits)).toMatchObject({ name: "bank/head" });
    // Of each autoencoder: 20·64+64 + 64·32+32 + 32·64+64 + 64·20+20; the head: 60·20+20.
    expect(layout.parameters).toBe(3 * (1344 + 2080 + 2112 + 1300) + 1220);
  });

  it("refuses tasks of different width", () => {
    const wide = { ...shapes, b: { inputShape: [width + 1], columns: [] } };
    const description = describeModel({ a: auto, b: auto, c: auto }, bank);
    expect(() => resolveModel(description, wide)).toThrow(/tasks\.b\.data: .*\[21\].*"a" \[20\]/s);
  });
});

describe("what the regulariser relates", () => {
  const two = { a: task({ heads: label }), b: task({ heads: label }) };
  const shapes = { a: flat, b: flat };
  const familiesOn = (on: "encoder" | "decoder" | "heads"): unknown =>
    resolveModel(describeModel(two, { kind: "private" }, { omega: "mean", on }), shapes).groups.flatMap(
      ({ name, family }) => (family === undefined ? [] : [`${name} ${family}`]),
    );

  it("is a family of one group per task", () => {
    expect(familiesOn("encoder")).toEqual(["a/encoder encoder", "b/encoder encoder"]);
    expect(familiesOn("decoder")).toEqual(["a/decoder decoder", "b/decoder decoder"]);
    expect(familiesOn("heads")).toEqual(["a/head/label head/label", "b/head/label head/label"]);
  });

  it("lies on one shard where Ω reads all of it, beside what is learned about it", () => {
    const three = { ...two, c: task({ heads: label }) };
    const regulariser = { omega: "mtrl", on: "heads" } as const;
    const description = describeModel(three, { kind: "private" }, regulariser);
    const { groups, layout } = resolveModel(description, { ...shapes, c: flat });
    expect(groups.at(-1)).toEqual({
      name: "omega/head/label",
      tasks: [],
      relates: "head/label",
      tensors: [
        {
          name: "omega/head/label/mtrl",
          shape: [3, 3],
          initialiser: { kind: "diagonal", value: 1 / 3 },
        },
      ],
    });
    const together = layout.groups.filter(({ family, relates }) => (family ?? relates) === "head/label");
    const owners = together.map(({ index }) =>
      ownership(layout, 5).flatMap((slices, shard) =>
        slices.filter(({ group }) => group === index).map(() => shard),
      ),
    );
    expect(new Set(owners.flat()).size).toBe(1);
    expect(owners.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });

  it("must be alike", () => {
    const odd = { ...two, b: task({ encoder: [dense(32)] }) };
    const description = describeModel(odd, { kind: "private" }, { omega: "mean", on: "encoder" });
    expect(() => resolveModel(description, shapes)).toThrow(
      /"a\/encoder" has tensors \[784, 512\].* but "b\/encoder" has \[784, 32\]/,
    );
  });

  it("must be there", () => {
    const description = describeModel({ a: task() }, { kind: "private" }, { omega: "mean", on: "encoder" });
    expect(() => resolveModel(description, shapes)).toThrow('nothing that "encoder" could relate');
  });
});

describe("what does not fit", () => {
  it.each<[Partial<TaskDescription>, DataShape, string[]]>([
    [{}, image, ["tasks.t.encoder[0]: dense(512)", "[28, 28, 1]", "flatten()"]],
    [{ input: [28, 29] }, flat, ["tasks.t.input: [28, 29] holds 812", "[784]"]],
    [{ decoder: [dense(780, "sigmoid")] }, flat, ["tasks.t.decoder", "[780]", "[784]", "dense(784"]],
    [{ decoder: [dense(784)] }, flat, ["tasks.t.decoder", "sigmoid", "mse"]],
    [
      { encoder: [{ kind: "flatten" }, dense(3)], decoder: [dense(784, "sigmoid")] },
      image,
      ["[784]", "[28, 28, 1]", "reshape([28, 28, 1])"],
    ],
    [{ encoder: [{ kind: "reshape", shape: [5, 5] }] }, flat, ["encoder[0]: reshape", "[784]", "[5, 5]"]],
    [
      { encoder: [{ kind: "convolution", filters: 3, kernel: 3 }] },
      flat,
      ["encoder[0]: convolution", "[784]", "[height, width, channels]"],
    ],
    [
      { encoder: [{ kind: "convolution", filters: 3, kernel: 30, padding: "valid" }] },
      image,
      ["30×30", "[28, 28, 1]", "same"],
    ],
    [{ encoder: [{ kind: "pooling", pool: "max", size: 29 }] }, image, ["29×29 pool", "[28, 28, 1]"]],
    [{ encoder: [{ kind: "normalisation", groups: 5 }] }, flat, ["784 channels", "divides 784, not 5"]],
    [{ encoder: [{ kind: "user", layer: "Mine" }] }, flat, ['no layer "Mine"', "layers:"]],
    [
      { heads: { label: { ...label.label, column: "z" } } },
      flat,
      ["tasks.t.heads.label.column", 'no column "z"', "one of y"],
    ],
    [
      { heads: { label: { ...label.label, kind: "regression" } } },
      flat,
      ["a regression head cannot learn", "classification head"],
    ],
    [{ heads: { label: { ...label.label, classes: 4 } } }, flat, ["4 classes", "has 10"]],
  ])("says where, both shapes and how to mend it, case %#", (changes, shape, texts) => {
    let message = "no error";
    try {
      resolveModel(describeModel({ t: task(changes) }), { t: shape });
    } catch (error) {
      message = (error as Error).message;
    }
    for (const text of texts) expect(message).toContain(text);
    expect(message).toContain("to mend:");
  });
});
