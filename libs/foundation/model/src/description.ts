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
}

export interface TaskDescription {
  readonly input: readonly number[] | null;
  readonly encoder: readonly LayerSpec[];
  readonly decoder: readonly LayerSpec[];
  readonly reconstruction: { readonly loss: "bce" | "mse"; readonly weight: number } | false;
  readonly heads: Readonly<Record<string, HeadDescription>>;
}

export interface HeadDescription {
  readonly kind: "classification" | "regression";
  readonly column: string;
  readonly classes: number | null;
  readonly layers: readonly LayerSpec[];
  readonly weight: number;
}

export type ModelKind =
  | {
      readonly kind: "shared";
      readonly trunk: readonly LayerSpec[];
      readonly latent: { readonly units: number; readonly activation: ActivationName };
      readonly trunkDecoder: readonly LayerSpec[];
    }
  | { readonly kind: "private" }
  | { readonly kind: "bank"; readonly activation: ActivationName };

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
