import type { AugmentPlan } from "./augmentation.ts";
import type { NoiseSpec } from "./autoencoder.ts";
import type { CategoryBlock } from "./description.ts";
import type { HeadTerm } from "./head-terms.ts";
import type { DiscriminatorTerm, LatentTerm, Posterior } from "./latent-terms.ts";
import type { LayerSpec } from "./layers.ts";

/** Where a layer finds one of its tensors. */
export interface ParameterRef {
  /** `kernel`, `bias`, `scale`, ...: what the layer calls it. */
  readonly role: string;
  /** Group name and tensor name in the layout. */
  readonly group: string;
  readonly tensor: string;
}

/**
 * One node of a task's computation. Shapes are per sample: a node's value has shape [batch, ...shape].
 * Nodes are listed in an order in which each comes after those it reads.
 */
export type GraphNode =
  | { readonly id: number; readonly op: "input"; readonly shape: readonly number[] }
  | {
      readonly id: number;
      readonly op: "layer";
      readonly from: number;
      readonly layer: LayerSpec;
      /** Unique in the model; keys the layer's random draws. */
      readonly name: string;
      readonly shape: readonly number[];
      readonly parameters: readonly ParameterRef[];
      /** Its parameters learn nothing by this application of them. */
      readonly frozen?: true;
    }
  | {
      readonly id: number;
      readonly op: "concat";
      readonly from: readonly number[];
      readonly shape: readonly number[];
    }
  | {
      readonly id: number;
      /** Of values of one shape. */
      readonly op: "sum";
      readonly from: readonly number[];
      readonly shape: readonly number[];
    }
  | {
      readonly id: number;
      /** Σ_e softmax(gate)_e · from_e, sample by sample; the gate is a row of as many numbers as there are experts. */
      readonly op: "mixture";
      readonly gate: number;
      readonly from: readonly number[];
      readonly shape: readonly number[];
    }
  | {
      readonly id: number;
      /** Σ_j (start_j + weights[row, j]) · from_j; `weights` is the only parameter. */
      readonly op: "stitch";
      readonly row: number;
      readonly start: readonly number[];
      readonly from: readonly number[];
      readonly shape: readonly number[];
      readonly parameters: readonly ParameterRef[];
    }
  | {
      readonly id: number;
      /** (1 + e·scale) ⊙ x + e·shift along the last axis; parameters `embedding` e [k], `scale` and `shift` [k, channels]. */
      readonly op: "film";
      readonly from: number;
      readonly shape: readonly number[];
      readonly parameters: readonly ParameterRef[];
    }
  | {
      readonly id: number;
      readonly op: "noise";
      readonly from: number;
      /** `binarise`: a number becomes 1 with itself as the probability, else 0; when evaluating too. */
      readonly noise: NoiseSpec | { readonly kind: "binarise" };
      /** Keys its random draws. */
      readonly name: string;
      readonly shape: readonly number[];
    }
  /** While training, 0 in squares of `size` × `size` pixels that are drawn with probability `rate`, 1 elsewhere. */
  | {
      readonly id: number;
      readonly op: "patchMask";
      /** Whoever has as many rows as the batch, images of the same shape. */
      readonly from: number;
      readonly size: number;
      readonly rate: number;
      /** Keys its random draws. */
      readonly name: string;
      readonly shape: readonly number[];
    }
  /** x ⊙ mask; x itself when measuring. */
  | {
      readonly id: number;
      readonly op: "masked";
      /** x, mask. */
      readonly from: readonly [number, number];
      readonly shape: readonly number[];
    }
  /** Standard normal numbers, [samples · batch, ...shape]: all rows of the first draw, then of the second, and so on. */
  | {
      readonly id: number;
      readonly op: "draw";
      /** Whoever has as many rows as the batch. */
      readonly from: number;
      /** Draws per row while training. */
      readonly samples: number;
      readonly name: string;
      readonly shape: readonly number[];
    }
  /** mean + exp(logVariance / 2) · draw, as many rows as the draw has; the mean itself where nothing is drawn. */
  | {
      readonly id: number;
      readonly op: "sample";
      /** Mean, logarithm of the variance, draw. */
      readonly from: readonly [number, number, number];
      readonly shape: readonly number[];
    }
  /** Along the last axis: softmax within each block, other numbers as they are. */
  | {
      readonly id: number;
      readonly op: "categories";
      readonly from: number;
      readonly blocks: readonly CategoryBlock[];
      readonly shape: readonly number[];
    }
  /** Each vector's nearest in the codebook; gradients pass as if nothing had been done. */
  | {
      readonly id: number;
      readonly op: "quantise";
      readonly from: number;
      /**
       * The codebook, [codes, numbers of a vector]; or, of codes that are moving averages, averages of the sums of the
       * vectors that chose each, [codes, numbers of a vector], and of their counts, [codes].
       */
      readonly parameters: readonly [ParameterRef] | readonly [sums: ParameterRef, counts: ParameterRef];
      readonly shape: readonly number[];
    }
  /** Standard normal numbers in the shape of what it reads, of which it takes nothing else; drawn when measuring too. */
  | {
      readonly id: number;
      readonly op: "prior";
      readonly from: number;
      readonly name: string;
      readonly shape: readonly number[];
    }
  /** The same numbers, past which no gradient goes. */
  | {
      readonly id: number;
      readonly op: "detach";
      readonly from: number;
      readonly shape: readonly number[];
    };

/** How well the input comes back. */
export interface ReconstructionTerm {
  readonly kind: "reconstruction";
  readonly name: string;
  /**
   * `bce`: −x·log p − (1−x)·log(1−p); `mse`: squared differences d²; `gaussian`: ½(log 2π + s + d²/eˢ) with s the
   * `logVariance`; `categorical`: −Σ x·log p within each of `blocks`, squared differences of numbers in none.
   */
  readonly loss: "bce" | "mse" | "gaussian" | "categorical" | "user";
  /** `user`: a loss of the job's extensions. */
  readonly user?: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** Over the numbers of a sample, `categorical`: its blocks and other numbers; absent: their mean. */
  readonly reduction?: "sum";
  readonly weight: number;
  /** Node holding the prediction, and the node of its logits where there are some (then those are used). */
  readonly prediction: number;
  readonly logits: number | undefined;
  /** Node of what is to come back; absent: the input. */
  readonly target?: number;
  /**
   * Node of a patch mask: while training, only numbers that it hides are compared, averaged (or summed) over those of the
   * sample; a sample of which nothing is hidden has the loss 0. Measured, all numbers are.
   */
  readonly mask?: number;
  /** Of `gaussian`: one number, [1]. */
  readonly logVariance?: ParameterRef;
  /** Of `categorical`, along the last axis. */
  readonly blocks?: readonly CategoryBlock[];
}

/**
 * −log of the mean over draws of p(x|z)·p(z)/q(z|x), where −log p(x|z) is the reconstruction's loss times its weight.
 * Without draws: the reconstruction of the mean, and the KL divergence.
 */
export interface BoundTerm extends Posterior {
  readonly kind: "bound";
  readonly name: string;
  readonly weight: number;
  readonly reconstruction: ReconstructionTerm;
  readonly draw: number;
  readonly sample: number;
}

/**
 * One term of a task's loss. The loss of a micro-batch is Σ over samples of Σ over terms of weight × value; a term of
 * weight 0 is told and not trained.
 */
export type LossTerm = ReconstructionTerm | HeadTerm | LatentTerm | BoundTerm;

/** Terms that are evaluated by a metric besides their loss. */
export type MeasuredTerm = ReconstructionTerm | HeadTerm | DiscriminatorTerm;

/** What one task computes in one phase. */
export interface TaskGraph {
  readonly task: string;
  /** The task that this one is the baseline of, the same task alone: its draws are that task's. */
  readonly baselineOf?: string;
  /** What is done to training samples before they become the input; absent: nothing. */
  readonly augment?: AugmentPlan;
  readonly nodes: readonly GraphNode[];
  readonly losses: readonly LossTerm[];
  /** Names of the parameter groups that this task's loss depends on in this phase, in layout order. */
  readonly groups: readonly string[];
  readonly latent: number | undefined;
  readonly reconstruction: number | undefined;
}

/** A phase of a run: from its first step on, these graphs are trained. The reference model pre-trains, then trains the bank. */
export interface ModelPhase {
  readonly name: string;
  readonly tasks: readonly TaskGraph[];
}

/** Tensors that a node reads. */
export function nodeParameters(node: GraphNode): readonly ParameterRef[] {
  return "parameters" in node ? node.parameters : [];
}

/** Node that a reconstruction's loss compares: logits where the loss is one of probabilities. */
export function comparedNode({ loss, logits, prediction }: ReconstructionTerm): number {
  return loss === "bce" || loss === "categorical" ? (logits ?? prediction) : prediction;
}

/** Nodes that a term's loss reads. */
export function lossNodes(term: LossTerm): readonly number[] {
  switch (term.kind) {
    case "reconstruction": {
      const { target, mask } = term;
      return [comparedNode(term), ...[target, mask].filter((node) => node !== undefined)];
    }
    case "classification":
    case "multiLabel":
      return [term.logits];
    case "regression":
    case "gaussian":
      return [term.prediction];
    case "kl":
      return [term.mean, term.logVariance];
    case "bound":
      return [...lossNodes(term.reconstruction), term.mean, term.logVariance, term.draw, term.sample];
    case "l1":
    case "sparsity":
    case "contractive":
      return [term.latent];
    case "quantisation":
      return [term.encoded];
    case "generator":
      return [term.logit];
    case "discriminator":
      return [term.ofPrior, term.ofEncoded];
  }
}

/** Nodes that a node reads. */
export function nodesRead(node: GraphNode): readonly number[] {
  if (node.op === "input") return [];
  if (node.op === "mixture") return [node.gate, ...node.from];
  return typeof node.from === "number" ? [node.from] : node.from;
}
