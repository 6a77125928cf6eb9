import type { ParameterRef } from "./graph.ts";

/** Nodes of a variational latent. */
export interface Posterior {
  readonly mean: number;
  readonly logVariance: number;
}

/** A term that is computed from the latent alone. */
export type LatentTerm =
  /**
   * KL divergence from the standard normal, Σ_j ½(μ_j² + σ_j² − 1 − log σ_j²), every unit's at least `freeBits`.
   * While training its weight is times min(1, step / annealingSteps).
   */
  | ({
      readonly kind: "kl";
      readonly name: string;
      readonly weight: number;
      readonly freeBits: number;
      readonly annealingSteps?: number;
    } & Posterior)
  /** Σ |h_j|. */
  | { readonly kind: "l1"; readonly name: string; readonly weight: number; readonly latent: number }
  /** Σ_j KL(rate ‖ mean of h_j over the micro-batch), for every sample of it the same. */
  | {
      readonly kind: "sparsity";
      readonly name: string;
      readonly weight: number;
      readonly rate: number;
      readonly latent: number;
    }
  /**
   * Squared differences between what was encoded and its codes: for the codes once, for the encoder `commitment` times.
   * With `counts` for the encoder alone; in place of gradients of `codebook` (which are sums then) and `counts` there are
   * the sums and counts of this micro-batch.
   */
  | {
      readonly kind: "quantisation";
      readonly name: string;
      readonly weight: number;
      /** Over the numbers of a sample; absent: their mean. */
      readonly reduction?: "sum";
      readonly commitment: number;
      readonly encoded: number;
      readonly codebook: ParameterRef;
      readonly counts?: ParameterRef;
    }
  /** Σ_j (f'(a_j))² · Σ_i W_ij², where h = f(W·x + b). */
  | {
      readonly kind: "contractive";
      readonly name: string;
      readonly weight: number;
      readonly latent: number;
      readonly activation: "sigmoid" | "tanh";
      readonly kernel: ParameterRef;
    }
  /** −log D(z), by a discriminator that learns nothing by it. */
  | {
      readonly kind: "generator";
      readonly name: string;
      readonly weight: number;
      /** Node of the discriminator's logit of the latent, [1]. */
      readonly logit: number;
    }
  | DiscriminatorTerm;

/** −log D(p) − log(1 − D(z)) of a draw p of the prior and a latent z that learns nothing by it. */
export interface DiscriminatorTerm {
  readonly kind: "discriminator";
  readonly name: string;
  readonly weight: number;
  /** Nodes of the logits, [1] each. */
  readonly ofPrior: number;
  readonly ofEncoded: number;
}
