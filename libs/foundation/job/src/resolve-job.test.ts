import { UserError } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobInput } from "./job-schema.ts";
import { convolution, dense, reshape } from "./layer-functions.ts";
import { JobError } from "./problem.ts";
import { resolveJob } from "./resolve-job.ts";

const small = {
  tasks: {
    digits: {
      data: { dataset: "mnist" },
      encoder: [dense(512, "relu"), dense(32)],
      decoder: [dense(512, "relu"), dense(784, "sigmoid")],
    },
  },
  steps: 100,
} satisfies JobInput;

type Loose = Record<string, unknown>;
const withTask = (changes: Loose): unknown => ({
  ...small,
  tasks: { digits: { ...small.tasks.digits, ...changes } },
});

function messageOf(input: unknown, file?: string): string {
  try {
    resolveJob(input, file);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  return "no error";
}

describe("a good job", () => {
  it.each<[unknown, unknown]>([
    [
      { kind: "private-shared", latent: 8, privateLatent: 4 },
      {
        ...{ kind: "private-shared", trunk: [], trunkDecoder: [] },
        latent: { units: 8, activation: "linear" },
        privateLatent: { units: 4, activation: "linear" },
      },
    ],
    [
      { kind: "cgc", latent: { units: 8, activation: "relu" } },
      {
        ...{ kind: "cgc", experts: 3, ownExperts: 1, expert: [], gate: [], trunkDecoder: [] },
        latent: { units: 8, activation: "relu" },
      },
    ],
    [
      { kind: "film", latent: 8 },
      {
        ...{ kind: "film", trunk: [], embedding: 8, trunkDecoder: [] },
        latent: { units: 8, activation: "linear" },
      },
    ],
  ])("has defaults for its way to share, case %#", (model, complete) => {
    expect(resolveJob({ ...small, model }).model).toEqual(complete);
  });

  it("has every default filled in", () => {
    expect(resolveJob(small)).toEqual({
      name: "job",
      seed: 0,
      tasks: {
        digits: {
          data: { dataset: "mnist" },
          input: null,
          encoder: [
            {
              kind: "dense",
              units: 512,
              activation: "relu",
              useBias: true,
              initialiser: "glorotUniform",
            },
            {
              kind: "dense",
              units: 32,
              activation: "linear",
              useBias: true,
              initialiser: "glorotUniform",
            },
          ],
          decoder: [
            {
              kind: "dense",
              units: 512,
              activation: "relu",
              useBias: true,
              initialiser: "glorotUniform",
            },
            {
              kind: "dense",
              units: 784,
              activation: "sigmoid",
              useBias: true,
              initialiser: "glorotUniform",
            },
          ],
          reconstruction: { loss: "bce", weight: 1 },
          heads: {},
          weight: 1,
          microBatch: 64,
          slots: 4,
        },
      },
      model: { kind: "private" },
      mode: { kind: "sync" },
      compression: { push: null, broadcast: null, auto: false, sameBits: true },
      regulariser: { omega: "none", lambda: 0, on: "encoder" },
      combiner: "sum",
      guard: null,
      optimiser: { kind: "adam", learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      schedule: { kind: "constant", warmupSteps: 0 },
      start: null,
      rates: {},
      clipNorm: null,
      robust: null,
      onNotFinite: { kind: "pause", retryAfterSteps: 100 },
      cosines: { everySteps: 20 },
      steps: 100,
      epochs: null,
      evaluate: { everySteps: 100, split: "test", microBatch: 256 },
      audit: { share: 0 },
      checkpoints: { everySteps: 500, keep: 2, best: false },
      stopEarly: null,
      average: null,
      recovery: { everySteps: 20 },
      compute: { backend: null, threads: 1, precision: "float32" },
      launcher: { kind: "local", workers: null, shards: 1, placement: "dedicated", hostAggregation: "auto" },
      layers: null,
      extensions: [],
      order: { windowRows: 4096 },
    });
  });

  it("reconstructs by squared error when its decoder does not end in a sigmoid", () => {
    const job = resolveJob(withTask({ decoder: [dense(784)] }));
    expect(job.tasks.digits?.reconstruction).toEqual({ loss: "mse", weight: 1 });
  });

  it("reconstructs by cross-entropy when a sigmoid is only reshaped afterwards", () => {
    const job = resolveJob(withTask({ decoder: [dense(784, "sigmoid"), reshape([28, 28, 1])] }));
    expect(job.tasks.digits?.reconstruction).toEqual({ loss: "bce", weight: 1 });
  });

  it("keeps the order of its tasks", () => {
    const tasks = { zebra: small.tasks.digits, ant: small.tasks.digits };
    expect(Object.keys(resolveJob({ tasks, steps: 1 }).tasks)).toEqual(["zebra", "ant"]);
  });

  it("takes undefined and null as left open", () => {
    const open = { ...small, seed: undefined, clipNorm: null, layers: undefined, epochs: null };
    expect(resolveJob(open)).toEqual(resolveJob(small));
  });

  it("resolves to itself, also after a trip through JSON", () => {
    const layer = fc.oneof(
      fc.record({ kind: fc.constant("dense"), units: fc.integer({ min: 1, max: 999 }) }),
      fc.constant(convolution(8, 3, { strides: 2, activation: "relu" })),
      fc.record({ kind: fc.constant("dropout"), rate: fc.double({ min: 0, max: 0.9, noNaN: true }) }),
      fc.constant({ kind: "pooling", pool: "max", size: 2 }),
      fc.constant({ kind: "user", layer: "Mine", options: { a: [1, { b: null }] } }),
    );
    const layers = fc.array(layer, { minLength: 1, maxLength: 4 });
    const job = fc.record(
      {
        seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        tasks: fc.dictionary(
          fc.stringMatching(/^t[a-z0-9_-]{0,8}$/),
          fc.record({
            data: fc.constantFrom({ dataset: "mnist" }, { csv: "a.csv", target: "y" }),
            encoder: layers,
            decoder: layers,
            microBatch: fc.integer({ min: 1, max: 512 }),
          }),
          { minKeys: 1, maxKeys: 3 },
        ),
        model: fc.constantFrom(
          { kind: "private" },
          { kind: "shared", latent: 8 },
          { kind: "shared", latent: { units: 4, activation: "tanh" }, trunk: [dense(3)] },
          { kind: "bank" },
        ),
        optimiser: fc.constantFrom({ kind: "sgd" }, { kind: "momentum" }, { kind: "adamw" }),
        schedule: fc.constantFrom({ kind: "cosine" }, { kind: "step", everySteps: 9 }),
        launcher: fc.constantFrom({ kind: "ssh", hosts: ["a", "b"] }, { kind: "local", workers: 3 }),
        steps: fc.integer({ min: 2, max: 1e6 }),
      },
      { requiredKeys: ["tasks", "steps"] },
    );
    fc.assert(
      fc.property(job, (input) => {
        const resolved = resolveJob(input);
        const parsed: unknown = JSON.parse(JSON.stringify(resolved));
        expect(parsed).toEqual(resolved);
        expect(resolveJob(parsed)).toEqual(resolved);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a bad job", () => {
  it("with an unknown key names the nearest known one", () => {
    expect(messageOf(withTask({ microBtach: 32 }), "job.ts")).toBe(
      [
        "job.ts: tasks.digits.microBtach: unknown key",
        "  expected: one of data, input, encoder, decoder, reconstruction, latent, augment, noise, binarise, penalties, tied, heads, weight, microBatch, slots",
        '  to mend:  did you mean "microBatch"?',
      ].join("\n"),
    );
  });

  it.each([
    [{ ...small, sed: 1 }, "sed: unknown key", '"seed"'],
    [{ ...small, optimiser: { kind: "adam", learningrate: 1 } }, "optimiser.learningrate", '"learningRate"'],
    [{ ...small, optimiser: { kind: "adm" } }, "optimiser.kind: got", '"adam"'],
    [{ ...small, model: { kind: "shared", latent: { unit: 3, units: 3 } } }, "model.latent.unit:", '"units"'],
    [
      withTask({ encoder: [{ kind: "dense", unit: 3, units: 3 }] }),
      "tasks.digits.encoder[0].unit:",
      '"units"',
    ],
    [withTask({ encoder: [{ kind: "dens" }] }), "tasks.digits.encoder[0].kind: got", '"dense"'],
    [withTask({ heads: { label: { kind: "clasification" } } }), "heads.label.kind", '"classification"'],
    [withTask({ data: { dataset: "mnist", lmit: 3 } }), "tasks.digits.data.lmit: unknown key", '"limit"'],
  ])("is told what was probably meant, case %#", (input, where, meant) => {
    const message = messageOf(input);
    expect(message).toContain(where);
    expect(message).toContain(`did you mean ${meant}?`);
  });

  it("with a key like none of the known ones is told to remove it", () => {
    expect(messageOf({ ...small, wallpaper: 1 })).toContain("to mend:  remove it");
  });

  it.each<[unknown, string, string]>([
    [withTask({ microBatch: "64" }), 'tasks.digits.microBatch: got "64"', "write 64 without quotes"],
    [withTask({ microBatch: 0 }), "tasks.digits.microBatch: got 0", "of at least 1"],
    [withTask({ microBatch: 1.5 }), "tasks.digits.microBatch: got 1.5", "a whole number"],
    [withTask({ encoder: dense(3) }), "tasks.digits.encoder: got", "a list"],
    [
      withTask({ encoder: [{ kind: "dense" }] }),
      "tasks.digits.encoder[0].units: is missing",
      "a whole number",
    ],
    [
      withTask({ encoder: [{ kind: "dense", units: 3, activation: "rely" }] }),
      'encoder[0].activation: got "rely"',
      '"relu"',
    ],
    [withTask({ data: undefined }), 'tasks.digits.data: the task "digits" has no data', "add data:"],
    [withTask({ reconstruction: true }), "tasks.digits.reconstruction: got true", "false, or an object"],
    [withTask({ reconstruction: { loss: "mae" } }), 'reconstruction.loss: got "mae"', '"bce", "mse"'],
    [{ ...small, clipNorm: -1 }, "clipNorm: got -1", "above 0"],
    [{ ...small, launcher: { kind: "local", workers: 0 } }, "launcher.workers: got 0", "of at least 1"],
    [{ ...small, launcher: { kind: "ssh" } }, "launcher.hosts: is missing", "a list"],
    [{ ...small, seed: -1 }, "seed: got -1", "of at least 0"],
    [
      { ...small, optimiser: { kind: "adam", learningRate: Number.NaN } },
      "learningRate: got NaN",
      "a number",
    ],
    [{ ...small, tasks: {} }, "tasks: there is no task", "one or more"],
    [{ steps: 1 }, "tasks: is missing", "an object"],
    [{ ...small, tasks: { "a/b": small.tasks.digits } }, "tasks.a/b: is no name", "a letter, then"],
    [
      { ...small, tasks: { shared: small.tasks.digits } },
      "tasks.shared: a task cannot be called",
      "other than",
    ],
    [{ ...small, steps: undefined }, "steps: is missing, and so is epochs", "epochs: 10"],
    [{ ...small, epochs: 3 }, "epochs: got 3, besides steps: 100", "remove one"],
    [withTask({ reconstruction: false, decoder: [] }), "there is nothing to learn", "add heads"],
    [withTask({ decoder: [] }), "tasks.digits.decoder: has no layers", "add a decoder"],
    [withTask({ heads: { loss: { kind: "regression" } } }), 'a head cannot be called "loss"', "rename"],
    [
      withTask({ heads: { tags: { kind: "multiLabel", uncertainty: true } } }),
      "heads.tags.uncertainty: unknown key",
      "one of kind, column",
    ],
    [
      { ...(withTask({ reconstruction: { loss: "gaussian" } }) as object), model: { kind: "bank" } },
      'tasks.digits.reconstruction.loss: got "gaussian", but a bank',
      '"bce" or "mse"',
    ],
    [{ ...small, regulariser: { lambda: 0.1 } }, "regulariser.lambda: got 0.1", '"mean"'],
    [
      withTask({ encoder: [{ kind: "user", layer: "A", options: { f: () => 1 } }] }),
      "encoder[0].options: got",
      "plain values",
    ],
    [{ ...small, model: { kind: "mmoe", latent: 2, experts: 0 } }, "model.experts: got 0", "of at least 1"],
    [{ ...small, model: { kind: "film" } }, "model.latent: is missing", "add latent"],
    [{ ...small, model: { kind: "stitch", latent: 2 } }, 'model.kind: got "stitch"', '"cross-stitch"'],
    [{ ...small, rates: { "shared/*": -1 } }, "rates.shared/*: got -1", "of at least 0"],
    [
      { ...small, rates: { "*": 0.1 }, mode: { kind: "diloco", innerSteps: 2 } },
      'rates: are set, besides the mode "diloco"',
      "one of the two",
    ],
    [
      { ...small, rates: { "*": 0.1 }, compression: { broadcast: { codec: "int8" } } },
      "rates: are set, besides a compressed broadcast",
      "one of the two",
    ],
    [{ ...small, start: { from: "" } }, "start.from: got", "not empty"],
    [{ ...small, stopEarly: { patience: 0 } }, "stopEarly.patience: got 0", "1"],
    [{ ...small, stopEarly: { patience: 3 } }, "stopEarly: is asked for", "validation rows"],
    [{ ...small, checkpoints: { best: true } }, "checkpoints.best: is asked for", "validation rows"],
    [
      { ...small, stopEarly: { patience: 3 }, evaluate: { everySteps: 0 } },
      "nothing is evaluated",
      "every so many",
    ],
    [{ ...small, stopEarly: { patience: 3 }, mode: { kind: "async" } }, 'the mode "async"', '"sync"'],
    [{ ...small, average: { decay: 1 } }, "average.decay: got 1", "below 1"],
    [{ ...small, robust: "krumm" }, 'robust: got "krumm"', '"krum"'],
    [{ ...small, robust: "krum" }, "tasks.digits.slots: got 4", "5 or more"],
    [{ ...small, robust: { kind: "multi-krum", byzantine: 0, select: 3 } }, "robust.select: got 3", "1 to 2"],
    [{ ...small, robust: { kind: "trimmed-mean", byzantine: 2 } }, "tasks.digits.slots: got 4", "5 or more"],
    [{ ...small, robust: "median", mode: { kind: "async" } }, 'besides the mode "async"', "one of the two"],
    [{ ...small, robust: "median", compression: { push: { codec: "int8" } } }, "compressed pushes", "one of"],
    [{ ...small, onNotFinite: "halt" }, 'onNotFinite: got "halt"', '"pause"'],
    [
      { ...small, mode: { kind: "async" }, onNotFinite: { kind: "pause", retryAfterSteps: 5 } },
      "nobody is paused",
      '"stop", or the mode "sync"',
    ],
    [{ ...small, start: {} }, "start.from: is missing", "text"],
    ["not a job", 'got "not a job"', "an object"],
    [null, "got null", "an object"],
  ])("says where, what and what was expected, case %#", (input, what, expected) => {
    const message = messageOf(input);
    expect(message).toContain(what);
    expect(message).toContain(expected);
  });

  it("is told all its problems at once, the first one first", () => {
    const input = { ...(withTask({ microBatch: 0, slots: "x" }) as object), sed: 1 };
    let thrown: unknown;
    try {
      resolveJob(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(JobError);
    const { problems, message, parts } = thrown as JobError;
    expect(problems.map(({ path }) => path.join("."))).toEqual([
      "tasks.digits.microBatch",
      "tasks.digits.slots",
      "sed",
    ]);
    expect(parts.where).toBe("tasks.digits.microBatch");
    expect(message).toContain("and 2 more:\ntasks.digits.slots: ");
  });
});
