import {
  completeLayer,
  type ComputeModel,
  type LossTerm,
  type MicroBatch,
  type ReconstructionTerm,
  type TaskGraph,
} from "@latentweave/model";
import { createRandomSource, type KeyedRandom } from "../layers/keyed-random.ts";
import { apply, type Sample } from "./reference.ts";
import { nothingStopped, type QuantisedVectors, still, type Stopped } from "./stopped.ts";

type Values = (node: number) => readonly number[];

/** A term of the loss: what it is weighed by, and its sum over the samples. */
export interface WeighedTerm {
  readonly weight: number;
  readonly sum: number;
  /** Of another's objective than the autoencoder's. */
  readonly isAdversary: boolean;
}

/**
 * The terms of a task's loss as the papers write them, in float64, sample by sample and draw by draw, with the draws
 * that the compute is to make and no code of its losses. The slope of their weighed sum is the task's gradient.
 * @param parameters by tensor name
 */
export function autoencoderTerms(
  model: ComputeModel,
  batch: MicroBatch,
  parameters: ReadonlyMap<string, readonly number[]>,
  stopped: Stopped = nothingStopped(),
): readonly WeighedTerm[] {
  const graph = model.phases[batch.phase]?.tasks.find(({ task }) => task === batch.task);
  if (!graph) throw new Error("no such task");
  const { step, round, task, slot } = batch;
  const source = createRandomSource();
  const random = (name: string): KeyedRandom =>
    source.at({ seed: model.seed, step, round, task, slot }, name);
  const draws = graph.nodes.reduce((most, node) => (node.op === "draw" ? node.samples : most), 1);
  const bySample = Array.from({ length: batch.samples }, (_, sample) =>
    Array.from({ length: draws }, (_, draw) =>
      valuesOf(graph, batch, parameters, random, sample, draw, stopped),
    ),
  );
  return graph.losses.map((term) => {
    const annealed =
      term.kind === "kl" && term.annealingSteps !== undefined
        ? Math.min(1, batch.step / term.annealingSteps)
        : 1;
    return {
      weight: term.weight * annealed,
      sum: termSum(term, bySample, parameters, stopped),
      isAdversary: term.kind === "discriminator",
    };
  });
}

function termSum(
  term: LossTerm,
  bySample: readonly (readonly Values[])[],
  parameters: ReadonlyMap<string, readonly number[]>,
  stopped: Stopped,
): number {
  const first = bySample.map(([values]) => values as Values);
  switch (term.kind) {
    case "reconstruction":
      return sum(bySample.map((draws) => sum(draws.map((v) => rowLoss(term, v))) / draws.length));
    case "kl":
      return sum(
        first.flatMap((v) =>
          v(term.mean).map((mean, j) => {
            const deviation = Math.exp((v(term.logVariance)[j] as number) / 2);
            const kl = -Math.log(deviation) + (deviation ** 2 + mean ** 2) / 2 - 1 / 2;
            return Math.max(kl, term.freeBits);
          }),
        ),
      );
    case "bound":
      return sum(
        bySample.map((draws) => {
          const weights = draws.map((v) => {
            const z = v(term.sample);
            const prior = sum(z.map((x) => logNormal(x, 0, 1)));
            const posterior = sum(
              z.map((x, j) =>
                logNormal(x, v(term.mean)[j] as number, Math.exp((v(term.logVariance)[j] as number) / 2)),
              ),
            );
            const { reconstruction } = term;
            return Math.exp(prior - posterior - reconstruction.weight * rowLoss(reconstruction, v));
          });
          return -Math.log(sum(weights) / weights.length);
        }),
      );
    case "l1":
      return sum(first.flatMap((v) => v(term.latent).map(Math.abs)));
    case "sparsity": {
      const units = (first[0] as Values)(term.latent).length;
      const rates = Array.from(
        { length: units },
        (_, j) => sum(first.map((v) => v(term.latent)[j] as number)) / first.length,
      );
      const each = rates.map(
        (q) => term.rate * Math.log(term.rate / q) + (1 - term.rate) * Math.log((1 - term.rate) / (1 - q)),
      );
      return first.length * sum(each);
    }
    case "quantisation": {
      const codebook = parameters.get(term.codebook.tensor) ?? [];
      return sum(
        first.map((v, sample) => {
          const quantised = stopped.quantised.get(sample);
          if (!quantised) throw new Error("nothing was quantised");
          const { encoded, codes, chosen } = quantised;
          const width = encoded.length / chosen.length;
          const squares = v(term.encoded).map((e, i) => {
            const at = (chosen[Math.floor(i / width)] as number) * width + (i % width);
            const own = ((codebook[at] as number) - (encoded[i] as number)) ** 2;
            return own + term.commitment * (e - (codes[i] as number)) ** 2;
          });
          return sum(squares) / (term.reduction === "sum" ? 1 : squares.length);
        }),
      );
    }
    case "contractive": {
      const kernel = parameters.get(term.kernel.tensor) ?? [];
      return sum(
        first.map((v) => {
          const h = v(term.latent);
          // Every entry of the Jacobian, squared.
          return sum(
            kernel.map((w, at) => {
              const y = h[at % h.length] as number;
              return (w * (term.activation === "sigmoid" ? y * (1 - y) : 1 - y * y)) ** 2;
            }),
          );
        }),
      );
    }
    case "generator":
      return sum(first.map((v) => -Math.log(probability(v(term.logit)))));
    case "discriminator":
      return sum(
        first.map(
          (v) => -Math.log(probability(v(term.ofPrior))) - Math.log(1 - probability(v(term.ofEncoded))),
        ),
      );
    default:
      throw new Error(`the reference has no term "${term.kind}"`);
  }
}

/** D of its one logit. */
function probability([logit = NaN]: readonly number[]): number {
  return 1 / (1 + Math.exp(-logit));
}

function rowLoss(term: ReconstructionTerm, values: Values): number {
  const target = values(term.target ?? 0);
  const losses = values(term.prediction).map((p, i) => {
    const x = target[i] as number;
    return term.loss === "mse" ? (p - x) ** 2 : -x * Math.log(p) - (1 - x) * Math.log(1 - p);
  });
  if (term.mask === undefined) return sum(losses) / (term.reduction === "sum" ? 1 : losses.length);
  const kept = values(term.mask);
  const hidden = losses.filter((_, i) => kept[i] === 0);
  return sum(hidden) / (term.reduction === "sum" ? 1 : Math.max(1, hidden.length));
}

function logNormal(x: number, mean: number, deviation: number): number {
  return -((x - mean) ** 2) / (2 * deviation ** 2) - Math.log(deviation) - Math.log(2 * Math.PI) / 2;
}

function valuesOf(
  graph: TaskGraph,
  batch: MicroBatch,
  parameters: ReadonlyMap<string, readonly number[]>,
  random: (name: string) => KeyedRandom,
  sample: number,
  draw: number,
  stopped: Stopped,
): Values {
  const known = new Map<number, Sample>();
  const values: Values = (id) => (known.get(id) as Sample).values;
  for (const node of graph.nodes) {
    const numbers = node.shape.reduce((a, b) => a * b, 1);
    const own = (all: Float32Array): number[] => [...all.subarray(sample * numbers, (sample + 1) * numbers)];
    const all = numbers * batch.samples;
    const set = (of: readonly number[]): void => void known.set(node.id, { shape: node.shape, values: of });
    switch (node.op) {
      case "input":
        set(own(batch.x));
        break;
      case "noise":
        set(disturbed(node.noise, values(node.from), random(node.name), { all, own, sample, batch, node }));
        break;
      case "patchMask": {
        const noise = { kind: "patches", size: node.size, rate: node.rate } as const;
        const ones = values(node.from).map(() => 1);
        set(disturbed(noise, ones, random(node.name), { all, own, sample, batch, node }));
        break;
      }
      case "masked": {
        const [x, kept] = node.from.map(values) as [number[], number[]];
        set(x.map((value, i) => value * (kept[i] as number)));
        break;
      }
      case "draw": {
        const drawn = random(node.name).normal(node.samples * all, 0);
        const row = draw * batch.samples + sample;
        set([...drawn.subarray(row * numbers, (row + 1) * numbers)]);
        break;
      }
      case "sample": {
        const [mean, logVariance, drawn] = node.from.map(values) as [number[], number[], number[]];
        set(mean.map((m, j) => m + Math.exp((logVariance[j] as number) / 2) * (drawn[j] as number)));
        break;
      }
      case "quantise": {
        const e = values(node.from);
        const codebook = parameters.get(node.parameters[0].tensor) ?? [];
        const quantised = stopped.quantised.get(sample) ?? nearestCodes(e, codebook, codeWidth);
        stopped.quantised.set(sample, quantised);
        set(e.map((x, i) => x + (quantised.codes[i] as number) - (quantised.encoded[i] as number)));
        break;
      }
      case "prior":
        set(own(random(node.name).normal(all, 0)));
        break;
      case "detach":
        set(still(stopped.detached, `${sample} ${node.id}`, values(node.from)));
        break;
      case "layer": {
        const input = known.get(node.from) as Sample;
        const tensors = Object.fromEntries(
          node.parameters.map(({ role, tensor }) => {
            const values = parameters.get(tensor) ?? [];
            return [role, node.frozen ? still(stopped.frozen, tensor, values) : values];
          }),
        );
        const { tiedKernel } = tensors;
        if (tiedKernel) tensors.kernel = transposed(tiedKernel, input.values.length);
        set(apply(completeLayer(node.layer), input, node.shape, tensors));
        break;
      }
      case "concat":
        throw new Error("the reference joins nothing");
    }
  }
  return values;
}

/** Numbers in a vector of the test's codebook. */
export const codeWidth = 2;

function nearestCodes(
  encoded: readonly number[],
  codebook: readonly number[],
  width: number,
): QuantisedVectors {
  const chosen = Array.from({ length: encoded.length / width }, (_, vector) => {
    const distances = Array.from({ length: codebook.length / width }, (_, code) =>
      sum(
        Array.from(
          { length: width },
          (_, i) => ((encoded[vector * width + i] as number) - (codebook[code * width + i] as number)) ** 2,
        ),
      ),
    );
    return distances.indexOf(Math.min(...distances));
  });
  const codes = encoded.map(
    (_, i) => codebook[(chosen[Math.floor(i / width)] as number) * width + (i % width)] as number,
  );
  return { encoded: [...encoded], codes, chosen };
}

function disturbed(
  noise: (TaskGraph["nodes"][number] & { op: "noise" })["noise"],
  x: readonly number[],
  random: KeyedRandom,
  {
    all,
    own,
    sample,
    batch,
    node,
  }: {
    readonly all: number;
    readonly own: (all: Float32Array) => number[];
    readonly sample: number;
    readonly batch: MicroBatch;
    readonly node: { readonly shape: readonly number[] };
  },
): number[] {
  switch (noise.kind) {
    case "binarise": {
      const u = own(random.uniform(all, 0));
      return x.map((p, i) => ((u[i] as number) < p ? 1 : 0));
    }
    case "masking": {
      const kept = own(random.mask(all, 1 - noise.rate, 0, 1));
      return x.map((value, i) => value * (kept[i] as number));
    }
    case "gaussian": {
      const drawn = own(random.normal(all, 0));
      return x.map((value, i) => value + noise.deviation * (drawn[i] as number));
    }
    case "saltAndPepper": {
      const kept = own(random.mask(all, 1 - noise.rate, 0, 1));
      const ends = own(random.mask(all, 0.5, 1, 1));
      return x.map((value, i) => (kept[i] === 1 ? value : (ends[i] as number)));
    }
    case "patches": {
      const [height = 0, width = 0, channels = 0] = node.shape;
      const [down, across] = [height / noise.size, width / noise.size];
      const mask = random.mask(batch.samples * down * across, 1 - noise.rate, 0, 1);
      return x.map((value, i) => {
        const pixel = Math.floor(i / channels);
        const [row, column] = [Math.floor(pixel / width), pixel % width];
        const patch = Math.floor(row / noise.size) * across + Math.floor(column / noise.size);
        return value * (mask[sample * down * across + patch] as number);
      });
    }
  }
}

/** [units, inputs] as [inputs, units]. */
function transposed(kernel: readonly number[], inputs: number): number[] {
  const units = kernel.length / inputs;
  return Array.from({ length: kernel.length }, (_, at) => {
    const [input, unit] = [Math.floor(at / units), at % units];
    return kernel[unit * inputs + input] as number;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
