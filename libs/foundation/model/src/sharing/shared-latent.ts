import type { SharingKind } from "../description.ts";
import { type LatentNodes, plainLatent } from "../latent.ts";
import { adapters } from "./adapters.ts";
import { crossStitch } from "./cross-stitch.ts";
import { experts } from "./experts.ts";
import { film } from "./film.ts";
import { hardSharing, privateShared } from "./hard-sharing.ts";
import type { SharingPlace } from "./sharing-place.ts";

/** From what a task's encoder yields to its latent, in one of the ways that tasks can share. */
export function sharedLatent(model: SharingKind, place: SharingPlace): LatentNodes {
  return model.kind === "shared" ? hardSharing(model, place) : plainLatent(denseLatent(model, place));
}

function denseLatent(model: Exclude<SharingKind, { readonly kind: "shared" }>, place: SharingPlace): number {
  switch (model.kind) {
    case "private-shared":
      return privateShared(model, place);
    case "mmoe":
      return experts({ ...model, ownExperts: 0 }, place);
    case "cgc":
      return experts(model, place);
    case "cross-stitch":
      return crossStitch(model, place);
    case "film":
      return film(model, place);
    case "adapters":
      return adapters(model, place);
  }
}
