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
  readonly noise?: NoiseSpec;
  /** Numbers between 0 and 1 are taken for probabilities of a 1, and drawn for every micro-batch. */
  readonly binarise?: boolean;
  readonly penalties?: readonly PenaltySpec[];
  /** The decoder's dense layers use the kernels of the encoder's, transposed. */
  readonly tied?: boolean;
}

export interface ReconstructionDescription {
  readonly loss: "bce" | "mse" | "user";
  /** `user`: a loss of the job's extensions, by name. */
  readonly name?: string | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly weight: number;
  /** Over the numbers of a sample; absent: their mean. */
  readonly reduction?: "mean" | "sum";
}

export interface HeadDescription {
  readonly kind: "classification" | "regression";
  readonly column: string;
  readonly classes: number | null;
  readonly layers: readonly LayerSpec[];
  readonly weight: number;
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
}

export interface DataColumn {
  readonly name: string;
  readonly kind: "class" | "number";
  /** Of a `class` column. */
  readonly classes?: number;
  /** Numbers per sample of a `number` column; 1 when absent. */
  readonly numbers?: number;
}
