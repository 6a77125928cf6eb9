import type { ComputeModel, LayerSpec, NoiseSpec, PenaltySpec, TaskDescription } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { autoencoderTerms, codeWidth } from "./autoencoder-reference.ts";
import { someBatch, someParameters } from "./keyed.ts";
import {
  adversarial,
  adversarialModel,
  inputNumbers,
  privateModel,
  variational,
  variationalModel,
} from "./models.ts";
import { nothingStopped } from "./stopped.ts";
import { wrongSlopes } from "./wrong-slopes.ts";

const dense = (units: number, activation: "sigmoid" | "tanh" | "linear" = "linear"): LayerSpec => ({
  kind: "dense",
  units,
  activation,
});
const summed = { loss: "bce", weight: 1, reduction: "sum" } as const;
const noisy = (noise: NoiseSpec, shape?: readonly number[]): ComputeModel =>
  privateModel(
    shape
      ? {
          noise,
          encoder: [{ kind: "flatten" }, dense(4, "tanh")],
          decoder: [dense(inputNumbers, "sigmoid"), { kind: "reshape", shape }],
        }
      : { noise },
    shape,
  );
const hiding = { kind: "patches", size: 2, rate: 0.5, compare: "masked" } as const;
const penalised = (penalty: PenaltySpec, activation: "sigmoid" | "tanh"): ComputeModel =>
  privateModel({ encoder: [dense(5, activation)], penalties: [penalty] });
const bounded = (more: Partial<TaskDescription> = {}): ComputeModel =>
  privateModel({ latent: { ...variational, samples: 4 }, reconstruction: summed, ...more });

const cases: Readonly<Record<string, ComputeModel>> = {
  "a variational latent": privateModel({ latent: variational, reconstruction: summed }),
  "a shared variational latent, with β, annealing and samples that are drawn": variationalModel({
    beta: 2,
    annealing: { steps: 20 },
  }),
  "free bits": privateModel({ latent: { ...variational, freeBits: 0.1 }, reconstruction: summed }),
  "the importance-weighted bound of drawn samples": bounded({ binarise: true }),
  "the importance-weighted bound of squared differences": bounded({
    reconstruction: { loss: "mse", weight: 3, reduction: "sum" },
  }),
  "a quantised latent, straight through": privateModel({
    encoder: [dense(4, "tanh")],
    latent: { kind: "vectorQuantised", codes: 5, width: codeWidth, commitment: 0.25 },
  }),
  "an adversarial latent": privateModel({ latent: { ...adversarial, weight: 0.6 } }),
  "a shared adversarial latent, with a discriminator of several layers": adversarialModel({
    discriminator: [dense(5, "tanh"), { kind: "normalisation" }, dense(4, "sigmoid")],
  }),
  "an adversarial latent that is watched alone": privateModel({ latent: { ...adversarial, weight: 0 } }),
  "masking noise": noisy({ kind: "masking", rate: 0.4 }),
  "gaussian noise": noisy({ kind: "gaussian", deviation: 0.3 }),
  "salt and pepper": noisy({ kind: "saltAndPepper", rate: 0.4 }),
  "masked patches": noisy({ kind: "patches", size: 2, rate: 0.5 }, [2, 6, 1]),
  "masked patches, compared alone": noisy(hiding, [2, 6, 1]),
  "masked patches, compared alone by squared differences that are summed": privateModel(
    {
      ...{ noise: hiding, encoder: [{ kind: "flatten" }, dense(4, "tanh")] },
      decoder: [dense(inputNumbers), { kind: "reshape", shape: [2, 6, 1] }],
      reconstruction: { loss: "mse", weight: 2, reduction: "sum" },
    },
    [2, 6, 1],
  ),
  "the L1 penalty": penalised({ kind: "l1", weight: 0.2 }, "tanh"),
  "the penalty of a target rate": penalised({ kind: "sparsity", rate: 0.05, weight: 0.5 }, "sigmoid"),
  "the contractive penalty of a sigmoid": penalised({ kind: "contractive", weight: 0.3 }, "sigmoid"),
  "the contractive penalty of a tanh": penalised({ kind: "contractive", weight: 0.3 }, "tanh"),
  "tied weights": privateModel({
    encoder: [dense(6, "tanh"), dense(3)],
    decoder: [dense(6, "tanh"), dense(inputNumbers, "sigmoid")],
    tied: true,
  }),
};

/** Every autoencoder's loss and gradient against the papers' formulas, differentiated numerically in float64. */
export function autoencoderSuite(backend: () => LoadedBackend): void {
  describe("the gradient of", () => {
    for (const [title, model] of Object.entries(cases))
      it(`${title} is the slope of a float64 reference`, async () => {
        const compute = createInlineCompute(backend());
        await compute.load(model);
        const parameters = someParameters(model);
        await compute.setParameters(parameters);
        const batch = someBatch({ task: "one", samples: 3 }, inputNumbers);
        const { gradients, metrics } = await compute.run(batch);
        await compute.close();

        const numbers = new Map<string, number[]>(
          model.layout.groups.flatMap((group) =>
            group.tensors.map(({ name, offset }) => {
              const slice = parameters.find((each) => each.group === group.index && each.start === offset);
              return [name, [...(slice?.values ?? [])]] as const;
            }),
          ),
        );
        const stopped = nothingStopped();
        const terms = (): ReturnType<typeof autoencoderTerms> =>
          autoencoderTerms(model, batch, numbers, stopped);
        const total = (of: ReturnType<typeof terms>): number =>
          of.reduce((loss, { weight, sum }) => loss + weight * sum, 0);
        const loss = (): number => total(terms());
        // Told are the autoencoder's loss and then each term by itself; an adversary's is no part of the first.
        const told = [
          total(terms().filter(({ isAdversary }) => !isAdversary)),
          ...terms().map(({ sum }) => sum),
        ];
        for (const [index, truth] of told.entries()) {
          const error = Math.abs((metrics[1 + index] ?? NaN) - truth);
          expect(error).toBeLessThan(1e-5 * Math.max(1, Math.abs(truth)));
        }
        const wrong: string[] = [];
        for (const [index, name] of (model.phases[0]?.tasks[0]?.groups ?? []).entries())
          for (const tensor of model.layout.groups.find((group) => group.name === name)?.tensors ?? []) {
            const values = numbers.get(tensor.name) ?? [];
            wrong.push(...wrongSlopes(tensor.name, values, loss, gradients[index], tensor.offset));
          }
        expect(wrong).toEqual([]);
      });
  });
}
