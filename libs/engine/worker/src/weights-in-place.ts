import type { Compute } from "@latentweave/model";
import type { MessageOf } from "@latentweave/protocol";

/**
 * Which shards' weights this worker reads where the shards have them. It does so of all of them or of none: once it can
 * read every shard's it tells each, and what broadcasts bring from then on is not looked at.
 */
export interface WeightsInPlace {
  /** Those of every shard are read. */
  readonly active: boolean;
  /** The shard's attachment begins, or begins anew: what it offered before counts no more. */
  forget(index: number): void;
  offered(index: number, weights: MessageOf<"weights">): void;
  /** A broadcast has come. @returns false where its weights were to be read and cannot be: then `onLost` was called. */
  admit(index: number): boolean;
  stop(): void;
}

interface Offer {
  /** `told`: read, and the shard knows. */
  state: "none" | "mapping" | "readable" | "told" | "refused";
}

export function createWeightsInPlace(options: {
  readonly shards: number;
  /** Undefined where the device has no such memory. */
  readonly mapWeights: Compute["mapWeights"];
  /** The shard is to hear that its weights are read. */
  readonly tell: (index: number) => void;
  /** Some shard's cannot be read any more: whole weights are needed of all, for what they sent was not kept. */
  readonly onLost: () => void;
  readonly onFailed: (error: unknown) => void;
  readonly log: (line: string) => void;
}): WeightsInPlace {
  const offers = Array.from({ length: options.shards }, (): Offer => ({ state: "none" }));
  let active = false;
  let over = false;

  const lose = (): void => {
    active = false;
    options.onLost();
  };

  const tellAll = (): void => {
    for (const [index, offer] of offers.entries()) {
      if (offer.state !== "readable") continue;
      offer.state = "told";
      options.tell(index);
    }
  };

  const mapped = (index: number, refusal: string | undefined): void => {
    if (refusal === undefined) {
      active ||= offers.every(({ state }) => state === "readable" || state === "told");
      if (active) tellAll();
      return;
    }
    options.log(`the weights of shard ${index} are sent, for they cannot be read where they lie: ${refusal}`);
    if (active) lose();
  };

  return {
    get active() {
      return active;
    },
    forget(index) {
      offers[index] = { state: "none" };
    },
    offered(index, weights) {
      if (!options.mapWeights) return;
      const offer: Offer = { state: "mapping" };
      offers[index] = offer;
      // In the order of calls: what is computed from now on finds them there.
      options
        .mapWeights(index, weights)
        .then((refusal) => {
          if (over || offers[index] !== offer) return;
          offer.state = refusal === undefined ? "readable" : "refused";
          mapped(index, refusal);
        })
        .catch(options.onFailed);
    },
    admit(index) {
      const state = offers[index]?.state;
      if (!active || (state !== "none" && state !== "refused")) return true;
      lose();
      return false;
    },
    stop() {
      over = true;
    },
  };
}
