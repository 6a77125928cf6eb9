import type { LayerSpec } from "./layers.ts";

/** What makes an autoencoder more than layers one after the other; docs/autoencoders.md says what each is for. */

/** What the encoder's input goes through while training; what is to be reconstructed stays clean (Vincent et al. 2010). */
export type NoiseSpec =
  /** Every number becomes 0 with probability `rate`; the others stay as they are. */
  | { readonly kind: "masking"; readonly rate: number }
  /** Normal, with this standard deviation, added to every number. */
  | { readonly kind: "gaussian"; readonly deviation: number }
  /** Every number becomes 0 or 1, either as likely, with probability `rate`. */
  | { readonly kind: "saltAndPepper"; readonly rate: number }
  /**
   * Every square of `size` × `size` pixels becomes 0 in all channels, with probability `rate`. `compare: "masked"`: while
   * training, these squares alone are compared with what comes back; absent: all pixels are.
   */
  | {
      readonly kind: "patches";
      readonly size: number;
      readonly rate: number;
      readonly compare?: "masked" | undefined;
    };

/** A mean and a variance per unit, and a normal draw between them (Kingma & Welling 2014). */
export interface VariationalLatent {
  readonly kind: "variational";
  readonly units: number;
  /** Weight of the KL divergence from the standard normal (Higgins et al. 2017). */
  readonly beta: number;
  /** β rises linearly from 0 over so many steps; null: it is there from the first. */
  readonly annealing: { readonly steps: number } | null;
  /** Nats that every unit of every sample may use without a price (after Kingma et al. 2016). */
  readonly freeBits: number;
  /** Draws for each sample; with more than one the objective is the importance-weighted bound (Burda et al. 2016). */
  readonly samples: number;
}

/** Every vector of the latent becomes the nearest of a codebook that is learned (van den Oord et al. 2017). */
export interface VectorQuantisedLatent {
  readonly kind: "vectorQuantised";
  /** Vectors in the codebook. */
  readonly codes: number;
  /** Numbers in a vector; null: the last axis of what was encoded. */
  readonly width: number | null;
  /** Weight of the way from what was encoded to its code; that of the way from the code is 1. */
  readonly commitment: number;
  /**
   * Codes are moving averages of the vectors that chose them (there, appendix A.1), `decay` being what the average so far
   * counts; absent: they are learned by gradient.
   */
  readonly movingAverage?: { readonly decay: number };
}

/** A latent whose distribution a discriminator is to take for the standard normal (Makhzani et al. 2015). */
export interface AdversarialLatent {
  readonly kind: "adversarial";
  readonly units: number;
  /** Of the discriminator, before its own last dense layer, which yields one logit. */
  readonly discriminator: readonly LayerSpec[];
  /** Weight of −log D(z) in the loss of the autoencoder; the discriminator's own loss has weight 1. */
  readonly weight: number;
}

export type LatentSpec = VariationalLatent | VectorQuantisedLatent | AdversarialLatent;

/** What is added to a task's loss for every sample, on its latent. */
export type PenaltySpec =
  /** weight · Σ |h_j|. */
  | { readonly kind: "l1"; readonly weight: number }
  /** weight · Σ_j KL(rate ‖ mean of h_j over the micro-batch), for a latent between 0 and 1. */
  | { readonly kind: "sparsity"; readonly rate: number; readonly weight: number }
  /** weight · squared Frobenius norm of the latent's Jacobian (Rifai et al. 2011). */
  | { readonly kind: "contractive"; readonly weight: number };
