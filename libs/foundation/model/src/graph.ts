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
    };

/** Ids of the nodes that a node reads. */
export function sourcesOf(node: GraphNode): readonly number[] {
  switch (node.op) {
    case "input":
      return [];
    case "layer":
    case "film":
      return [node.from];
    case "mixture":
      return [node.gate, ...node.from];
    case "concat":
    case "sum":
    case "stitch":
      return node.from;
  }
}

/** One term of a task's loss. The loss of a micro-batch is Σ over samples of Σ over terms of weight × value. */
export type LossTerm =
  | {
      readonly kind: "reconstruction";
      readonly name: string;
      /** `bce`: mean over the sample's numbers of −x·log p − (1−x)·log(1−p); `mse`: mean of squared differences. */
      readonly loss: "bce" | "mse";
      readonly weight: number;
      /** Node holding the prediction, and, for `bce` under a sigmoid, the node of its logits (then those are used). */
      readonly prediction: number;
      readonly logits: number | undefined;
    }
  | {
      readonly kind: "classification";
      readonly name: string;
      readonly weight: number;
      /** Softmax cross-entropy of these logits, [batch, classes], against the int32 column. */
      readonly logits: number;
      readonly classes: number;
      readonly column: string;
    }
  | {
      readonly kind: "regression";
      readonly name: string;
      readonly weight: number;
      /** Mean over targets of squared differences, float32 column [batch, numbers]. */
      readonly prediction: number;
      readonly column: string;
    };

/** What one task computes in one phase. */
export interface TaskGraph {
  readonly task: string;
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

/**
 * Names of the numbers that a micro-batch of this task yields besides its gradient: sums over samples, float64.
 * `samples` and `loss` always, then each loss term, then for evaluation its metric:
 * reconstruction → `NAME.squaredError` (mean over numbers, summed over samples), classification → `NAME.correct`,
 * regression → `NAME.squaredError`.
 */
export function metricNames(graph: TaskGraph): readonly string[] {
  return [
    "samples",
    "loss",
    ...graph.losses.map((term) => term.name),
    ...graph.losses.map((term) =>
      term.kind === "classification" ? `${term.name}.correct` : `${term.name}.squaredError`,
    ),
  ];
}
