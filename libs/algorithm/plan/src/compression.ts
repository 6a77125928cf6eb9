import { type Codec, type FeedbackCodec, keptOf } from "@latentweave/arithmetic";
import type { RoundPlan } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

/** What is written with fewer bytes to travel (docs/compression.md). It is part of what a run computes. */
export interface CompressionSpec {
  /**
   * Sums of contributions, rounded on one level of the reduction tree (0: single contributions) or on every one: who
   * holds what, and how it travels, changes no bit.
   */
  readonly push?: { readonly codec: Codec; readonly level: number | "every" };
  /** The change of the parameters that a step makes. */
  readonly broadcast?: { readonly codec: Codec };
  /** In place of `push`: a worker adds what it leaves out to what it sends next. Gives the same bits up. */
  readonly pushFeedback?: FeedbackCodec;
  /** In place of `broadcast`: the parameter server owes the workers what it leaves out; see `owedSection`. */
  readonly broadcastFeedback?: FeedbackCodec;
  /** In place of all of these: whoever sends chooses. Gives the same bits up. */
  readonly auto?: boolean;
  /** False: the job has given the guarantee of the same bits up. */
  readonly sameBits?: boolean;
}

/** The codec of the gradients that are summed in a round, where the tree defines what it does. */
export function pushCodec(
  { compression }: Pick<RunSpec, "compression">,
  { program }: Pick<RoundPlan, "program">,
): CompressionSpec["push"] {
  return program === "gradient" ? compression?.push : undefined;
}

/** Codecs of those gradients, where what they leave out goes with later ones: senders choose; none where the tree says what is rounded. */
export function pushFeedback(
  spec: Pick<RunSpec, "compression">,
  { program }: Pick<RoundPlan, "program">,
): readonly FeedbackCodec[] {
  if (program !== "gradient") return [];
  const codec = spec.compression?.pushFeedback;
  return codec ? [codec] : autoCodecs(spec);
}

/** Of `auto`: what a sender chooses from, from the one that leaves nothing out to the lightest. */
export function autoCodecs({ compression }: Pick<RunSpec, "compression">): readonly FeedbackCodec[] {
  return compression?.auto === true ? autoLadder : [];
}

/** Two of a hundred numbers take a hundredth of the bytes. */
const autoLadder: readonly FeedbackCodec[] = [
  { kind: "whole" },
  { kind: "int8" },
  { kind: "topk", kept: keptOf(0.02) },
];

/** Whether the run's bits follow from the job and its data alone, whatever the cluster does. */
export function keepsBits({ compression }: Pick<RunSpec, "compression">): boolean {
  return compression?.sameBits !== false;
}

/**
 * State beside the optimiser's, where broadcasts leave something out: by how much the weights that the optimiser goes on
 * with are ahead of the version, which is what everybody has.
 */
export const owedSection = "owed";

/** State beside the optimiser's, where the job asks for it: the exponential moving average of the weights. */
export const averageSection = "average";

/** State beside the optimiser's, where a regulariser has the weights in two parts: the one that is sparse. */
export const sparseSection = "sparse";

const splitRegularisers = ["robust", "dirty"];

/** Sections of a shard's state besides parameters and the optimiser's. */
export function furtherSections({
  compression,
  average,
  regulariser,
}: Pick<RunSpec, "compression" | "average"> & Partial<Pick<RunSpec, "regulariser">>): readonly string[] {
  const owes = compression?.broadcastFeedback !== undefined || compression?.auto === true;
  const isSplit = regulariser != null && splitRegularisers.includes(regulariser.omega);
  return [
    ...(owes ? [owedSection] : []),
    ...(average ? [averageSection] : []),
    ...(isSplit ? [sparseSection] : []),
  ];
}
