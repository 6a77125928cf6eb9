import { describe, expect, it } from "vitest";
import { adversarial, variational, vectorQuantised } from "./autoencoder-functions.ts";
import type { JobInput } from "./job-schema.ts";
import { optimisersByPattern } from "./latent-optimisers.ts";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";
import { complaint } from "./testing/complaint.ts";

type Task = JobInput["tasks"][string];

const task: Task = {
  data: { dataset: "mnist" },
  input: [784],
  encoder: [dense(20, "sigmoid")],
  decoder: [dense(784, "sigmoid")],
};

function job(more: Partial<Task>, model?: JobInput["model"]): JobInput {
  return { tasks: { digits: { ...task, ...more } }, steps: 10, ...(model && { model }) };
}

describe("a variational latent", () => {
  it("has every default filled in, sums its reconstruction, and resolves to itself", () => {
    const resolved = resolveJob(job({ latent: variational(8) }));
    expect(resolved.tasks.digits).toMatchObject({
      latent: { kind: "variational", units: 8, beta: 1, annealing: null, freeBits: 0, samples: 1 },
      reconstruction: { loss: "bce", weight: 1, reduction: "sum" },
    });
    expect(resolveJob(resolved)).toEqual(resolved);
    const mean = resolveJob(
      job({ latent: variational(8), reconstruction: { loss: "bce", reduction: "mean" } }),
    );
    expect(mean.tasks.digits?.reconstruction).toMatchObject({ reduction: "mean" });
    expect(resolveJob(mean)).toEqual(mean);
  });

  it("of a shared model is the model's, beside the plain one that there was", () => {
    const shared = resolveJob(job({}, { kind: "shared", latent: variational(8, { beta: 2 }) }));
    expect(shared.model).toMatchObject({ latent: { kind: "variational", units: 8, beta: 2 } });
    expect(shared.tasks.digits?.reconstruction).toMatchObject({ reduction: "sum" });
    expect(resolveJob(shared)).toEqual(shared);
    const plain = resolveJob(job({}, { kind: "shared", latent: { units: 8, activation: "relu" } }));
    expect(plain.model).toMatchObject({ latent: { units: 8, activation: "relu" } });
    expect(plain.tasks.digits?.reconstruction).toEqual({ loss: "bce", weight: 1 });
    expect(complaint(job({ latent: variational(8) }, { kind: "shared", latent: 8 }))).toMatch(
      /model\.latent/,
    );
  });

  it.each([
    ["β below 0", { kind: "variational", units: 8, beta: -1 }, /latent\.beta.*-1[^]*at least 0/],
    ["no draw", { kind: "variational", units: 8, samples: 0 }, /latent\.samples.*0[^]*at least 1/],
    ["half a draw", { kind: "variational", units: 8, samples: 1.5 }, /latent\.samples[^]*whole number/],
    ["free bits below 0", { kind: "variational", units: 8, freeBits: -0.1 }, /latent\.freeBits/],
    ["a rise over no step", { kind: "variational", units: 8, annealing: { steps: 0 } }, /annealing\.steps/],
    [
      "β beside several draws",
      { kind: "variational", units: 8, samples: 5, beta: 2 },
      /latent\.beta[^]*samples: 5/,
    ],
    ["a kind that is none", { kind: "variationl", units: 8 }, /variational/],
    ["a field that is none", { kind: "variational", units: 8, betta: 2 }, /did you mean "beta"/],
  ])("is refused with %s, and told why", (_title, latent, message) => {
    expect(complaint(job({ latent } as Partial<Task>))).toMatch(message);
    expect(complaint(job({}, { kind: "shared", latent } as unknown as JobInput["model"]))).toMatch(message);
  });
});

describe("a quantised latent", () => {
  it("has its defaults filled in, in a task and in a shared model, and averages its reconstruction", () => {
    const whole = { kind: "vectorQuantised", codes: 64, width: null, commitment: 0.25 };
    const own = resolveJob(job({ latent: vectorQuantised(64) }));
    expect(own.tasks.digits).toMatchObject({ latent: whole, reconstruction: { loss: "bce", weight: 1 } });
    expect(own.tasks.digits?.reconstruction).not.toHaveProperty("reduction");
    const shared = resolveJob(job({}, { kind: "shared", latent: vectorQuantised(64) }));
    expect(shared.model).toMatchObject({ latent: whole });
    expect([resolveJob(own), resolveJob(shared)]).toEqual([own, shared]);
  });

  it.each([
    ["one code", { codes: 1 }, /latent\.codes[^]*at least 2/],
    ["a commitment below 0", { codes: 8, commitment: -1 }, /latent\.commitment/],
    ["vectors of nothing", { codes: 8, width: 0 }, /latent\.width/],
    [
      "an average of what was last alone",
      { codes: 8, movingAverage: { decay: 0 } },
      /decay: got 0[^]*above 0/,
    ],
    ["an average that never moves", { codes: 8, movingAverage: { decay: 1 } }, /decay: got 1[^]*below 1/],
  ])("is refused with %s", (_title, more, message) => {
    expect(complaint(job({ latent: { kind: "vectorQuantised", ...more } }))).toMatch(message);
  });
});

describe("an adversarial latent", () => {
  const layer = { kind: "dense", units: 9, activation: "relu" } as const;

  it("has its defaults filled in, in a task and in a shared model, and averages its reconstruction", () => {
    const whole = {
      ...{ kind: "adversarial", units: 8, weight: 0.01 },
      optimiser: { kind: "adam", learningRate: 0.0005, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 },
      discriminator: [{ ...layer, useBias: true, initialiser: "glorotUniform" }],
    };
    const own = resolveJob(job({ latent: adversarial(8, [layer]) }));
    expect(own.tasks.digits).toMatchObject({ latent: whole, reconstruction: { loss: "bce", weight: 1 } });
    expect(own.tasks.digits?.reconstruction).not.toHaveProperty("reduction");
    const shared = resolveJob(job({}, { kind: "shared", latent: adversarial(8, [layer]) }));
    expect(shared.model).toMatchObject({ latent: whole });
    expect([resolveJob(own), resolveJob(shared)]).toEqual([own, shared]);
    // The adversary looks on and pushes nothing.
    expect(resolveJob(job({ latent: adversarial(8, [layer], { weight: 0 }) })).tasks.digits).toMatchObject({
      latent: { weight: 0 },
    });
  });

  it.each([
    ["no discriminator", { units: 8 }, /latent\.discriminator[^]*is missing/],
    ["a discriminator of no layers", { units: 8, discriminator: [] }, /latent\.discriminator/],
    [
      "a weight below 0",
      { units: 8, discriminator: [layer], weight: -1 },
      /latent\.weight.*-1[^]*at least 0/,
    ],
    ["no unit", { units: 0, discriminator: [layer] }, /latent\.units.*0[^]*at least 1/],
    [
      "a layer that is none",
      { units: 8, discriminator: [{ ...layer, kind: "dens" }] },
      /latent\.discriminator\[0\]\.kind[^]*did you mean "dense"/,
    ],
    ["a field that is none", { units: 8, discriminator: [layer], wieght: 2 }, /did you mean "weight"/],
    [
      "an optimiser that is none",
      { units: 8, discriminator: [layer], optimiser: { kind: "adm" } },
      /latent\.optimiser[^]*did you mean "adam"/,
    ],
  ])("is refused with %s, and told why", (_title, more, message) => {
    const latent = { kind: "adversarial", ...more };
    expect(complaint(job({ latent } as Partial<Task>))).toMatch(message);
    expect(complaint(job({}, { kind: "shared", latent } as unknown as JobInput["model"]))).toMatch(message);
  });

  it("gives its discriminators an optimiser of their own, task by task, before what the job says of patterns", () => {
    const own = { kind: "sgd", learningRate: 0.1 } as const;
    const latent = adversarial(8, [layer], { optimiser: own });
    const two = { tasks: { one: task, two: task }, steps: 10, model: { kind: "shared", latent } } as const;
    expect(optimisersByPattern(resolveJob(two))).toEqual({
      "one/discriminator/*": own,
      "two/discriminator/*": own,
    });
    const slow = { ...own, learningRate: 0.01 };
    const optimisers = { "*/kernel": own, "one/discriminator/*": slow };
    expect(Object.entries(optimisersByPattern(resolveJob({ ...two, optimisers })))).toEqual([
      ["two/discriminator/*", own],
      ["*/kernel", own],
      ["one/discriminator/*", slow],
    ]);
    const job1 = resolveJob(job({ latent: { ...latent, optimiser: "job" } }));
    expect(optimisersByPattern(job1)).toEqual({});
    expect(resolveJob(job1)).toEqual(job1);
  });

  it.each([
    [{ mode: { kind: "diloco", innerSteps: 2 } }, /the mode "diloco"/],
    [{ compression: { broadcast: { codec: "int8" } } }, /a compressed broadcast/],
  ] as const)("is refused with an optimiser of its own where there is one alone: %j", (more, message) => {
    const own = complaint({ ...job({ latent: adversarial(8, [layer]) }), ...more });
    expect(own).toMatch(message);
    expect(own).toMatch(/tasks\.digits\.latent\.optimiser[^]*optimiser: "job"/);
    const shared = job({}, { kind: "shared", latent: adversarial(8, [layer]) });
    expect(complaint({ ...shared, ...more })).toMatch(/model\.latent\.optimiser/);
    const asJob = job({ latent: adversarial(8, [layer], { optimiser: "job" }) });
    expect(() => resolveJob({ ...asJob, ...more })).not.toThrow();
  });

  it("takes the names of its losses from the heads beside it, and from no others", () => {
    const heads = { generator: { kind: "classification" } } as const;
    expect(complaint(job({ latent: adversarial(8, [layer]), heads }))).toMatch(
      /tasks\.digits\.heads\.generator[^]*another name/,
    );
    expect(resolveJob(job({ heads })).tasks.digits?.heads).toHaveProperty("generator");
  });
});

describe("codes that are moving averages", () => {
  const latent = vectorQuantised(8, { movingAverage: { decay: 0.9 } });
  const both = [job({ latent }), job({}, { kind: "shared", latent })];

  it("keep their decay, in a task and in a shared model, and have a default", () => {
    const [own, shared] = both.map((each) => resolveJob(each));
    expect(own?.tasks.digits).toMatchObject({ latent: { movingAverage: { decay: 0.9 } } });
    expect(shared?.model).toMatchObject({ latent: { movingAverage: { decay: 0.9 } } });
    expect(resolveJob(own)).toEqual(own);
    const plain = job({ latent: { kind: "vectorQuantised", codes: 8, movingAverage: {} } });
    expect(resolveJob(plain).tasks.digits).toMatchObject({ latent: { movingAverage: { decay: 0.99 } } });
  });

  it.each([
    ["replicas", { mode: { kind: "diloco", innerSteps: 2 } }, /besides the mode "diloco"/],
    ["rounded sums", { compression: { push: { codec: "bf16" } } }, /besides a compression/],
    ["rounded changes", { compression: { broadcast: { codec: "int8" } } }, /besides a compression/],
    ["a rule in place of sums", { robust: "median" }, /besides a robust rule/],
  ])("are refused beside %s, wherever they are", (_title, more, message) => {
    for (const each of both) expect(complaint({ ...each, ...more })).toMatch(message);
  });
});

describe("noise and penalties", () => {
  it.each([
    ["a rate of 1", { noise: { kind: "masking", rate: 1 } }, /noise\.rate[^]*below 1/],
    ["a rate below 0", { noise: { kind: "saltAndPepper", rate: -0.1 } }, /noise\.rate[^]*above 0/],
    [
      "masked pixels of a loss of whole samples",
      {
        noise: { kind: "patches", size: 2, rate: 0.5, compare: "masked" },
        decoder: [dense(784)],
        reconstruction: { loss: "gaussian" },
      },
      /noise\.compare[^]*"gaussian" is one of whole samples/,
    ],
    [
      "masked pixels beside a variational latent",
      { noise: { kind: "patches", size: 2, rate: 0.5, compare: "masked" }, latent: variational(4) },
      /noise\.compare[^]*besides a variational latent/,
    ],
    [
      "masked pixels that are compared otherwise",
      { noise: { kind: "patches", size: 2, rate: 0.5, compare: "all" as "masked" } },
      /noise\.compare/,
    ],
    ["no deviation", { noise: { kind: "gaussian", deviation: 0 } }, /noise\.deviation[^]*above 0/],
    ["a target rate of 1", { penalties: [{ kind: "sparsity", rate: 1, weight: 1 }] }, /penalties\[0\]\.rate/],
    ["a weight of 0", { penalties: [{ kind: "l1", weight: 0 }] }, /penalties\[0\]\.weight/],
    [
      "one kind twice",
      {
        penalties: [
          { kind: "l1", weight: 1 },
          { kind: "l1", weight: 2 },
        ],
      },
      /penalties\[1\][^]*already/,
    ],
    [
      "drawn samples that are compared by squares",
      { binarise: true, reconstruction: { loss: "mse" } },
      /binarise/,
    ],
  ])("are refused with %s", (_title, more, message) => {
    expect(complaint(job(more as Partial<Task>))).toMatch(message);
  });

  it("stay out of a resolved job that has none", () => {
    const { tasks } = resolveJob(job({ noise: null, penalties: [], tied: false, binarise: false }));
    expect(Object.keys(tasks.digits ?? {})).toEqual(Object.keys(resolveJob(job({})).tasks.digits ?? {}));
  });
});
