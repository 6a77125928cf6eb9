import type { Arithmetic } from "@latentweave/arithmetic";
import {
  lossNodes,
  measuredTerms,
  metricsOf,
  type MicroBatch,
  type MicroBatchResult,
  type TaskGraph,
  type UserLayer,
  type UserLoss,
} from "@latentweave/model";
import type { Programs } from "@latentweave/native";
import type { ParameterGroup } from "@latentweave/parameters";
import { type Augmenter, createAugmenter } from "../augment/augmenter.ts";
import type { Kernels } from "../layers/kernels.ts";
import {
  drawAgain,
  type DrawPlace,
  type KeyedRandom,
  noteDraws,
  type RandomSource,
} from "../layers/keyed-random.ts";
import { type Numbers, RepeatedWork } from "../repeated/repeated-work.ts";
import { refusingUnkeyed } from "../layers/refuse-unkeyed.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { batchShape } from "./batch-shape.ts";
import { drawnWhenMeasured, type ForwardContext, forward } from "./forward.ts";
import { likelihoodEstimate } from "./likelihood.ts";
import type { LossContext } from "./latent-losses.ts";
import { logWeights, metricInput, termLoss, termMetrics } from "./losses.ts";
import { outputNode } from "./output-node.ts";
import type { ParameterTensors } from "./parameter-tensors.ts";
import { gradientPieces, metricSums, splitNumbers } from "./read-back.ts";
import { labelCounts, targetTensor, targetValues } from "./targets.ts";
import { annealedTerm, termWeights, toldWeights } from "./term-weights.ts";

/** What all programs of a model share. */
export interface ProgramContext {
  readonly tf: Tf;
  readonly kernels: Kernels;
  readonly parameters: ParameterTensors;
  readonly arithmetic: Arithmetic;
  readonly random: RandomSource;
  readonly seed: number;
  readonly userLayers: Readonly<Record<string, UserLayer>>;
  readonly userLosses: Readonly<Record<string, UserLoss>>;
  /** Where TensorFlow can be told many operations at once. */
  readonly programs: Programs | undefined;
}

export interface RoomedResult extends MicroBatchResult {
  /** Its gradients would have been put into a room of so many bytes. */
  readonly roomBytes?: number;
}

interface NumbersOptions {
  readonly changing?: readonly Float32Array[];
  readonly draws?: number;
  readonly room?: ArrayBufferLike | undefined;
}

/** One task in one phase, ready to compute micro-batches. */
export class TaskProgram {
  readonly #context: ProgramContext;
  readonly #graph: TaskGraph;
  readonly #groups: readonly ParameterGroup[];
  /** Layers or losses of the job's own. */
  readonly #hasOwn: boolean;
  /** Names of the nodes that draw when measuring too, and then the same at every step. */
  readonly #drawnAlways: ReadonlySet<string>;
  readonly #augmenter: Augmenter | undefined;
  readonly #guard: <T>(work: () => T) => T;
  readonly #repeated = new Map<string, RepeatedWork>();

  /** @throws Error when the graph names a group that the layout lacks. */
  constructor(context: ProgramContext, graph: TaskGraph) {
    this.#context = context;
    this.#graph = graph;
    this.#groups = graph.groups.map((name) => context.parameters.group(name));
    this.#hasOwn =
      graph.nodes.some((node) => node.op === "layer" && node.layer.kind === "user") ||
      graph.losses.some((term) => term.kind === "reconstruction" && term.loss === "user");
    this.#drawnAlways = drawnWhenMeasured(graph);
    this.#augmenter = graph.augment && createAugmenter(graph.augment, context.arithmetic);
    this.#guard = this.#hasOwn ? refusingUnkeyed : (work) => work();
  }

  /**
   * Gradient of the loss summed over the samples, per group, and the sums of the losses; the metrics proper are 0.
   * @param room where the gradients may be put
   */
  async gradient(given: MicroBatch, room?: ArrayBufferLike): Promise<RoomedResult> {
    const { tf } = this.#context;
    const batch = this.#augmented(given);
    const { losses: terms } = this.#graph;
    const weights = termWeights(this.#graph, batch.step);
    const annealed = annealedTerm(this.#graph);
    // Another number at every step, so an input as the samples are.
    const changing = annealed === undefined ? [] : [Float32Array.of(weights[annealed] ?? 0)];
    const numbers = await this.#numbers(batch, { changing, room }, (x, targets, forwardContext) => {
      const losses: Tensor[] = [];
      const parameters = this.#groups.flatMap((group) =>
        group.tensors.map((placed) => this.#context.parameters.tensor(group, placed)),
      );
      const total = (): Tensor => {
        const context = this.#lossContext(terms.flatMap(lossNodes), x, forwardContext);
        const weighted = terms.flatMap((term, index) => {
          const loss = termLoss(context, term, targets[index] as Tensor);
          // Kept, because the tape's own scope ends before the losses are read.
          losses.push(tf.keep(loss.clone()));
          if (term.weight === 0) return [];
          const weight =
            index === annealed ? tf.tensor(changing[0] as Float32Array, []) : (weights[index] ?? 0);
          return [tf.mul(tf.sum(loss), weight)];
        });
        return tf.addN(weighted);
      };
      try {
        const { grads } = tf.engine().gradients(total, parameters, undefined, true);
        // Cloned into the scope around this one, which disposes them.
        return [...gradientPieces(tf, this.#groups, grads), ...losses.map((loss) => loss.clone())];
      } finally {
        for (const loss of losses) loss.dispose();
      }
    });
    const { values, readBackMs, roomBytes } = numbers;
    const { gradients, rows } = splitNumbers(values, this.#groups, terms.length, batch.samples);
    const metrics = metricSums(
      this.#graph,
      batch.samples,
      rows,
      undefined,
      toldWeights(this.#graph, batch.step),
      labelCounts(this.#graph, batch),
    );
    return { gradients, metrics, readBackMs, ...(roomBytes !== undefined && { roomBytes }) };
  }

  /** Losses and metrics without training: dropout and noise are off, latents are means, nothing is differentiated. */
  async evaluate(batch: MicroBatch): Promise<MicroBatchResult> {
    const { losses } = this.#graph;
    const measured = measuredTerms(this.#graph);
    const { values } = await this.#numbers(batch, {}, (x, targets, forwardContext) => {
      const wanted = [...losses.flatMap(lossNodes), ...measured.map(metricInput)];
      const context = this.#lossContext(wanted, x, forwardContext);
      const target = (term: (typeof losses)[number]): Tensor => targets[losses.indexOf(term)] as Tensor;
      return [
        ...losses.map((term) => termLoss(context, term, target(term))),
        ...measured.flatMap((term) => termMetrics(context, term, target(term))),
      ];
    });
    const metricCount = measured.reduce((count, term) => count + metricsOf(term).length, 0);
    const { rows } = splitNumbers(values, [], losses.length + metricCount, batch.samples);
    const [ofTerms, ofMetrics] = [rows.slice(0, losses.length), rows.slice(losses.length)];
    const weights = toldWeights(this.#graph, undefined);
    const labels = labelCounts(this.#graph, batch);
    return {
      gradients: [],
      metrics: metricSums(this.#graph, batch.samples, ofTerms, ofMetrics, weights, labels),
    };
  }

  /** The importance-weighted estimate of the likelihood of each sample, as `estimateNames`. */
  estimate(batch: MicroBatch): Promise<MicroBatchResult> {
    const { tf } = this.#context;
    return likelihoodEstimate(this.#graph, batch, async (term, draws, round) => {
      const drawn = { ...batch, round };
      const { values } = await this.#numbers(drawn, { draws }, (x, _targets, forwardContext) => {
        const context = this.#lossContext(lossNodes(term), x, forwardContext);
        return [logWeights(context, term, targetTensor(tf, x, undefined))];
      });
      return values;
    });
  }

  /** @param nodes that the losses read */
  #lossContext(nodes: readonly number[], x: Tensor, context: ForwardContext): LossContext {
    return {
      tf: context.tf,
      value: forward(this.#graph, nodes, x, context),
      parameter: context.parameter,
      isDrawn: context.draws !== 0,
      training: context.training,
      userLosses: this.#context.userLosses,
      rowLosses: new Map(),
    };
  }

  /**
   * @param options `changing`: arrays besides the batch's own that differ from time to time; `draws` for each row; `room`
   * for the numbers
   * @param work yields flat float32 tensors, inside a tidy
   */
  #numbers(
    batch: MicroBatch,
    { changing = [], draws, room }: NumbersOptions,
    work: (x: Tensor, targets: readonly Tensor[], context: ForwardContext) => readonly Tensor[],
  ): Promise<Numbers> {
    const { tf, random } = this.#context;
    const training = batch.program === "gradient";
    const place = this.#place(batch);
    // Samples that are drawn to be measured on are the same at every step, and for every draw of their latents.
    const placeOf = (layer: string): DrawPlace =>
      !training && this.#drawnAlways.has(layer) ? { ...place, step: 0, round: 0 } : place;
    const targets = this.#graph.losses.map((term) => targetValues(term, batch));
    const { drawn, random: drawing } = noteDraws(random, placeOf);
    return this.#repeatedFor(batch, draws).numbers({
      inputs: [batch.x, ...targets.filter((values) => values !== undefined), ...changing],
      drawn,
      draw: (note) => drawAgain(random, placeOf, note),
      room,
      work: () =>
        this.#guard(() => {
          const x = this.#inputTensor(batch.samples, batch.x);
          return work(
            x,
            targets.map((values) => targetTensor(tf, x, values)),
            this.#forward(drawing, { training, draws: draws ?? (training ? "graph" : 0), binarises: true }),
          );
        }),
    });
  }

  /** Programs are of tensors of one shape. */
  #repeatedFor({ program, samples }: MicroBatch, draws = 0): RepeatedWork {
    const key = `${program} ${samples} ${draws}`;
    let work = this.#repeated.get(key);
    if (!work) {
      const { tf, parameters, programs } = this.#context;
      // What a job's own layers do is theirs to change from time to time.
      work = new RepeatedWork(tf, this.#hasOwn ? undefined : programs, {
        owns: (values) => parameters.owns(values),
        at: (values) => parameters.at(values as Float32Array),
        renew: () => parameters.dispose(),
      });
      this.#repeated.set(key, work);
    }
    return work;
  }

  /** Values of a named output, row-major [samples, ...shape]. */
  async infer(output: string, samples: number, x: Float32Array): Promise<Float32Array> {
    const { tf } = this.#context;
    const node = outputNode(this.#graph, output);
    const { random, seed } = this.#context;
    const place = { seed, step: 0, round: 0, task: drawsAs(this.#graph), slot: 0 };
    const flat = this.#guard(() =>
      tf.tidy(() => {
        const input = this.#inputTensor(samples, x);
        const value = forward(
          this.#graph,
          [node],
          input,
          this.#forward((layer) => random.at(place, layer), { training: false, draws: 0, binarises: false }),
        )(node);
        return tf.reshape(value, [-1]).clone();
      }),
    );
    try {
      return Float32Array.from(await flat.data<"float32">());
    } finally {
      flat.dispose();
    }
  }

  #inputTensor(samples: number, x: Float32Array): Tensor {
    return this.#context.tf.tensor(x, batchShape(this.#graph, samples, x), "float32");
  }

  /** Samples to train on: drawn anew for every micro-batch where the job says how. */
  #augmented(batch: MicroBatch): MicroBatch {
    const augmenter = this.#augmenter;
    if (!augmenter) return batch;
    batchShape(this.#graph, batch.samples, batch.x);
    const place = this.#place(batch);
    const random = (index: number): KeyedRandom =>
      this.#context.random.at(place, `${place.task}/augment/${index}`);
    return { ...batch, x: augmenter(batch.x, batch.samples, random) };
  }

  #place({ step, round, slot }: MicroBatch): DrawPlace {
    return { seed: this.#context.seed, step, round, task: drawsAs(this.#graph), slot };
  }

  #forward(
    random: (layer: string) => KeyedRandom,
    mode: Pick<ForwardContext, "training" | "draws" | "binarises">,
  ): ForwardContext {
    const { tf, kernels, parameters, userLayers } = this.#context;
    const byName = new Map(
      this.#groups.flatMap((group) =>
        group.tensors.map((placed) => [placed.name, () => parameters.tensor(group, placed)] as const),
      ),
    );
    return {
      tf,
      kernels,
      ...mode,
      userLayers,
      parameter: (name) => {
        const tensor = byName.get(name);
        if (!tensor) throw new Error(`task "${this.#graph.task}" uses no group with a tensor "${name}"`);
        return tensor();
      },
      random,
    };
  }
}

/** A baseline draws as its task does in a run of its own. */
function drawsAs({ task, baselineOf }: TaskGraph): string {
  return baselineOf ?? task;
}
