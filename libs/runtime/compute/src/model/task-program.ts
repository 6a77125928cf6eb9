import type { MicroBatch, MicroBatchResult, TaskGraph, UserLayer } from "@latentweave/model";
import type { Programs } from "@latentweave/native";
import type { ParameterGroup } from "@latentweave/parameters";
import type { Kernels } from "../layers/kernels.ts";
import { drawAgain, type KeyedRandom, noteDraws, type RandomSource } from "../layers/keyed-random.ts";
import { type Numbers, RepeatedWork } from "../repeated/repeated-work.ts";
import { refusingUnkeyed } from "../layers/refuse-unkeyed.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { type ForwardContext, forward } from "./forward.ts";
import { lossInputs, metricInput, targetTensor, targetValues, termLoss, termMetric } from "./losses.ts";
import type { ParameterTensors } from "./parameter-tensors.ts";
import { gradientPieces, metricSums, splitNumbers } from "./read-back.ts";

/** What all programs of a model share. */
export interface ProgramContext {
  readonly tf: Tf;
  readonly kernels: Kernels;
  readonly parameters: ParameterTensors;
  readonly random: RandomSource;
  readonly seed: number;
  readonly userLayers: Readonly<Record<string, UserLayer>>;
  /** Where TensorFlow can be told many operations at once. */
  readonly programs: Programs | undefined;
}

/** One task in one phase, ready to compute micro-batches. */
export class TaskProgram {
  readonly #context: ProgramContext;
  readonly #graph: TaskGraph;
  readonly #groups: readonly ParameterGroup[];
  readonly #inputShape: readonly number[];
  readonly #hasUserLayers: boolean;
  readonly #guard: <T>(work: () => T) => T;
  readonly #repeated = new Map<string, RepeatedWork>();

  /** @throws Error when the graph has no input or names a group that the layout lacks. */
  constructor(context: ProgramContext, graph: TaskGraph) {
    this.#context = context;
    this.#graph = graph;
    this.#groups = graph.groups.map((name) => context.parameters.group(name));
    const input = graph.nodes.find((node) => node.op === "input");
    if (!input) throw new Error(`the graph of task "${graph.task}" has no input`);
    this.#inputShape = input.shape;
    this.#hasUserLayers = graph.nodes.some((node) => node.op === "layer" && node.layer.kind === "user");
    this.#guard = this.#hasUserLayers ? refusingUnkeyed : (work) => work();
  }

  /** Gradient of the loss summed over the samples, per group, and the sums of the losses; the metrics proper are 0. */
  async gradient(batch: MicroBatch): Promise<MicroBatchResult> {
    const { tf } = this.#context;
    const terms = this.#graph.losses.length;
    const { values, readBackMs } = await this.#numbers(batch, (x, targets, forwardContext) => {
      const losses: Tensor[] = [];
      const parameters = this.#groups.flatMap((group) =>
        group.tensors.map((placed) => this.#context.parameters.tensor(group, placed)),
      );
      const total = (): Tensor => {
        const value = forward(this.#graph, this.#graph.losses.map(lossInputs), x, forwardContext);
        const weighted = this.#graph.losses.map((term, index) => {
          const loss = termLoss(tf, term, value(lossInputs(term)), targets[index] as Tensor);
          // Kept, because the tape's own scope ends before the losses are read.
          losses.push(tf.keep(loss.clone()));
          return tf.mul(tf.sum(loss), term.weight);
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
    const { gradients, rows } = splitNumbers(values, this.#groups, terms, batch.samples);
    return { gradients, metrics: metricSums(this.#graph, batch.samples, rows, undefined), readBackMs };
  }

  /** Losses and metrics without training: dropout is off, and nothing is differentiated. */
  async evaluate(batch: MicroBatch): Promise<MicroBatchResult> {
    const { tf } = this.#context;
    const { losses } = this.#graph;
    const { values } = await this.#numbers(batch, (x, targets, forwardContext) => {
      const wanted = losses.flatMap((term) => [lossInputs(term), metricInput(term)]);
      const value = forward(this.#graph, wanted, x, forwardContext);
      const target = (index: number): Tensor => targets[index] as Tensor;
      return [
        ...losses.map((term, index) => termLoss(tf, term, value(lossInputs(term)), target(index))),
        ...losses.map((term, index) => termMetric(tf, term, value(metricInput(term)), target(index))),
      ];
    });
    const { rows } = splitNumbers(values, [], 2 * losses.length, batch.samples);
    return {
      gradients: [],
      metrics: metricSums(
        this.#graph,
        batch.samples,
        rows.slice(0, losses.length),
        rows.slice(losses.length),
      ),
    };
  }

  /** @param work yields flat float32 tensors, inside a tidy */
  #numbers(
    batch: MicroBatch,
    work: (x: Tensor, targets: readonly Tensor[], context: ForwardContext) => readonly Tensor[],
  ): Promise<Numbers> {
    const { tf, random, seed } = this.#context;
    const { step, round, slot } = batch;
    const place = { seed, step, round, task: this.#graph.task, slot };
    const targets = this.#graph.losses.map((term) => targetValues(term, batch));
    const { drawn, random: drawing } = noteDraws(random, place);
    return this.#repeatedFor(batch).numbers({
      inputs: [batch.x, ...targets.filter((values) => values !== undefined)],
      drawn,
      draw: (note) => drawAgain(random, place, note),
      work: () =>
        this.#guard(() => {
          const x = this.#inputTensor(batch.samples, batch.x);
          return work(
            x,
            targets.map((values) => targetTensor(tf, x, values)),
            this.#forward(drawing, batch.program === "gradient"),
          );
        }),
    });
  }

  /** Programs are of tensors of one shape. */
  #repeatedFor({ program, samples }: MicroBatch): RepeatedWork {
    const key = `${program} ${samples}`;
    let work = this.#repeated.get(key);
    if (!work) {
      const { tf, parameters, programs } = this.#context;
      // What a job's own layers do is theirs to change from time to time.
      work = new RepeatedWork(tf, this.#hasUserLayers ? undefined : programs, {
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
    const node = this.#outputNode(output);
    const { random, seed } = this.#context;
    const place = { seed, step: 0, round: 0, task: this.#graph.task, slot: 0 };
    const flat = this.#guard(() =>
      tf.tidy(() => {
        const input = this.#inputTensor(samples, x);
        const value = forward(
          this.#graph,
          [node],
          input,
          this.#forward((layer) => random.at(place, layer), false),
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

  #outputNode(output: string): number {
    const { latent, reconstruction, losses } = this.#graph;
    const named: Record<string, number | undefined> = { latent, reconstruction };
    for (const term of losses) if (term.kind !== "reconstruction") named[term.name] = metricInput(term);
    const node = named[output];
    if (node !== undefined) return node;
    const known = Object.keys(named).filter((name) => named[name] !== undefined);
    throw new Error(`task "${this.#graph.task}" has no output "${output}"; it has: ${known.join(", ")}`);
  }

  #inputTensor(samples: number, x: Float32Array): Tensor {
    const shape = [samples, ...this.#inputShape];
    const numbers = shape.reduce((product, size) => product * size, 1);
    if (samples < 1 || x.length !== numbers)
      throw new RangeError(
        `task "${this.#graph.task}": an input of shape [${shape.join(", ")}] has ${numbers} numbers, not ${x.length}`,
      );
    return this.#context.tf.tensor(x, shape, "float32");
  }

  #forward(random: (layer: string) => KeyedRandom, training: boolean): ForwardContext {
    const { tf, kernels, parameters, userLayers } = this.#context;
    const byName = new Map(
      this.#groups.flatMap((group) =>
        group.tensors.map((placed) => [placed.name, () => parameters.tensor(group, placed)] as const),
      ),
    );
    return {
      tf,
      kernels,
      training,
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
