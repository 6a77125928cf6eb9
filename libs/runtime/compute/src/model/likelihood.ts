import { type Arithmetic, loadArithmetic } from "@latentweave/arithmetic";
import type { BoundTerm, MicroBatch, MicroBatchResult, TaskGraph } from "@latentweave/model";

/** Rows that go through the decoder at once: few enough for any memory. */
const rowsAtOnce = 8_192;

/**
 * Importance-weighted estimate over `batch.draws` draws for each sample, some at a time, joined in float64.
 * @param weightsOf [draws · samples] log weights of these draws; `round` keys them
 * @throws Error when the graph has no variational latent with a reconstruction
 */
export async function likelihoodEstimate(
  graph: TaskGraph,
  { samples, draws = 1 }: MicroBatch,
  weightsOf: (term: BoundTerm, draws: number, round: number) => Promise<Float32Array>,
): Promise<MicroBatchResult> {
  const term = likelihoodTerm(graph);
  if (!term)
    throw new Error(`task "${graph.task}" has no variational latent, so that it says nothing of likelihoods`);
  const arithmetic = loadArithmetic();
  const atOnce = Math.max(1, Math.floor(rowsAtOnce / samples));
  const means = Array.from({ length: samples }, () => new LogMean(arithmetic));
  for (let done = 0, round = 0; done < draws; done += atOnce, round += 1) {
    const some = Math.min(atOnce, draws - done);
    const weights = await weightsOf(term, some, round);
    for (let at = 0; at < some * samples; at += 1) means[at % samples]?.add(weights[at] ?? Number.NaN);
  }
  const sum = (of: (mean: LogMean) => number): number => means.reduce((total, mean) => total - of(mean), 0);
  const { numbers, scale } = continuous(graph, term);
  // A squared difference times w is a normal density of variance 1 / 2w but for its constant.
  const constant = scale === undefined ? 0 : (samples * numbers * arithmetic.log(Math.PI / scale)) / 2;
  const metrics = Float64Array.of(
    samples,
    constant + sum((mean) => mean.logMean),
    constant + sum((mean) => mean.mean),
  );
  return { gradients: [], metrics };
}

/** The graph's bound, or the one that a lower bound of one draw is a case of. */
export function likelihoodTerm(graph: TaskGraph): BoundTerm | undefined {
  const bound = graph.losses.find((term) => term.kind === "bound");
  if (bound) return bound;
  const reconstruction = graph.losses.find((term) => term.kind === "reconstruction");
  const kl = graph.losses.find((term) => term.kind === "kl");
  const sample = graph.nodes.find((node) => node.op === "sample" && node.from[0] === kl?.mean);
  if (!reconstruction || !kl || sample?.op !== "sample") return undefined;
  const [mean, logVariance, draw] = sample.from;
  return {
    kind: "bound",
    name: "bound",
    weight: 1,
    ...{ reconstruction, mean, logVariance, draw, sample: sample.id },
  };
}

function continuous(
  { nodes }: TaskGraph,
  { reconstruction }: BoundTerm,
): { readonly numbers: number; readonly scale: number | undefined } {
  const shape = nodes.find(({ id }) => id === reconstruction.prediction)?.shape ?? [];
  const numbers = shape.reduce((product, size) => product * size, 1);
  if (reconstruction.loss !== "mse") return { numbers, scale: undefined };
  return { numbers, scale: reconstruction.weight / (reconstruction.reduction === "sum" ? 1 : numbers) };
}

/** Mean of numbers, and the logarithm of the mean of their exponentials. */
class LogMean {
  #largest = -Infinity;
  /** Of exp(number − largest). */
  #total = 0;
  #sum = 0;
  #count = 0;
  readonly #arithmetic: Arithmetic;

  constructor(arithmetic: Arithmetic) {
    this.#arithmetic = arithmetic;
  }

  add(value: number): void {
    const { exp } = this.#arithmetic;
    if (value > this.#largest) {
      this.#total = this.#total * exp(this.#largest - value) + 1;
      this.#largest = value;
    } else this.#total += exp(value - this.#largest);
    this.#sum += value;
    this.#count += 1;
  }

  get mean(): number {
    return this.#sum / this.#count;
  }

  get logMean(): number {
    return this.#largest + this.#arithmetic.log(this.#total / this.#count);
  }
}
