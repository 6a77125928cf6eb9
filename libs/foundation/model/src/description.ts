import type { AugmentSpec, SampleLevels } from "./augmentation.ts";
import type { LatentSpec, NoiseSpec, PenaltySpec } from "./autoencoder.ts";
import type { ActivationName, LayerSpec } from "./layers.ts";

/** The part of a job that decides its model; a resolved job fits as it is. */
export interface ModelDescription {
  readonly tasks: Readonly<Record<string, TaskDescription>>;
  readonly model: ModelKind;
  readonly regulariser: {
    readonly omega: string;
    readonly on: "encoder" | "decoder" | "heads";
    /** Of those that learn clusters. */
    readonly clusters?: number | undefined;
  };
  /** Present and not null: beside each task the same task alone, a model of its own, is trained too. */
  readonly guard?: object | null;
}

export interface TaskDescription {
  readonly input: readonly number[] | null;
  readonly encoder: readonly LayerSpec[];
  readonly decoder: readonly LayerSpec[];
  readonly reconstruction: ReconstructionDescription | false;
  readonly heads: Readonly<Record<string, HeadDescription>>;
  /** Absent: what the encoder yields. */
  readonly latent?: LatentSpec;
  /** What happens to training samples, before anything else sees them; absent or empty: nothing. */
  readonly augment?: readonly AugmentSpec[];
  readonly noise?: NoiseSpec;
  /** Numbers between 0 and 1 are taken for probabilities of a 1, and drawn for every micro-batch. */
  readonly binarise?: boolean;
  readonly penalties?: readonly PenaltySpec[];
  /** The decoder's dense layers use the kernels of the encoder's, transposed. */
  readonly tied?: boolean;
}

export interface ReconstructionDescription {
  readonly loss: "bce" | "mse" | "gaussian" | "categorical" | "user";
  /** `user`: a loss of the job's extensions, by name. */
  readonly name?: string | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly weight: number;
  /** Over the numbers of a sample, or its variables where they are categorical; absent: their mean. */
  readonly reduction?: "mean" | "sum";
}

export interface HeadDescription {
  readonly kind: "classification" | "multiLabel" | "regression";
  readonly column: string;
  readonly classes: number | null;
  readonly layers: readonly LayerSpec[];
  readonly weight: number;
  /** Of a regression: a variance is learned beside every mean. */
  readonly uncertainty?: boolean;
}

export interface LatentDescription {
  readonly units: number;
  readonly activation: ActivationName;
}

/** Ways of sharing that end in a latent and a shared way back from it. */
export type SharingKind = { readonly trunkDecoder: readonly LayerSpec[] } & (
  | {
      readonly kind: "shared";
      readonly trunk: readonly LayerSpec[];
      readonly latent: LatentDescription | LatentSpec;
    }
  | DenseSharingKind
);

/** Of these the latent is always a dense layer's. */
type DenseSharingKind = { readonly latent: LatentDescription } & (
  | {
      readonly kind: "private-shared";
      readonly trunk: readonly LayerSpec[];
      readonly privateLatent: LatentDescription;
    }
  | {
      readonly kind: "mmoe";
      readonly experts: number;
      readonly expert: readonly LayerSpec[];
      readonly gate: readonly LayerSpec[];
    }
  | {
      readonly kind: "cgc";
      readonly experts: number;
      readonly ownExperts: number;
      readonly expert: readonly LayerSpec[];
      readonly gate: readonly LayerSpec[];
    }
  | { readonly kind: "cross-stitch"; readonly column: readonly LayerSpec[] }
  | { readonly kind: "film"; readonly trunk: readonly LayerSpec[]; readonly embedding: number }
  | { readonly kind: "adapters"; readonly trunk: readonly LayerSpec[]; readonly adapter: number }
);

export type ModelKind =
  SharingKind | { readonly kind: "private" } | { readonly kind: "bank"; readonly activation: ActivationName };

/** What the model needs to know of a task's prepared data. */
export interface DataShape {
  /** Shape of one sample, e.g. [28, 28, 1]. */
  readonly inputShape: readonly number[];
  readonly columns: readonly DataColumn[];
  /** Of a table: numbers of a sample that are one category's, exactly one of them 1. */
  readonly categories?: readonly CategoryBlock[];
  /** Absent: numbers of a sample were scaled each by itself. */
  readonly levels?: SampleLevels;
}

/** Neighbouring numbers along the last axis that are the probabilities of one variable's values. */
export interface CategoryBlock {
  readonly start: number;
  readonly width: number;
}

/** Which share of a column's labels is there, of the training rows and of those that the job evaluates on. */
export interface LabelledShare {
  readonly train: number;
  readonly evaluate: number;
}

export interface DataColumn {
  readonly name: string;
  readonly kind: "class" | "labels" | "number";
  /** Of a `class` column. */
  readonly classes?: number;
  /** Numbers per sample of a `number` or a `labels` column; 1 when absent. */
  readonly numbers?: number;
  /** Absent: every row has its label. */
  readonly labelled?: LabelledShare;
}
