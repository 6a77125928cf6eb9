import { planStep, type RunSpec } from "@latentweave/plan";
import type { MessageOf, RunStore } from "@latentweave/protocol";
import type { CommitPoint } from "@latentweave/telemetry";
import type { Progress } from "./progress.ts";

/** Writes a commit to the ledger and the metric series, and follows it. @returns its point of the history. */
export function recordCommit(
  options: {
    readonly spec: RunSpec;
    readonly store: RunStore;
    readonly progress: Progress;
    readonly nowMs: number;
    readonly wallMs: number;
    readonly workers: number;
    readonly shards: number;
  },
  message: MessageOf<"committed">,
): CommitPoint {
  const { spec, store, progress } = options;
  const plan = planStep(spec, message.step);
  store.appendCommit({
    step: message.step,
    version: message.version,
    timeline: message.timeline,
    phase: spec.phases[plan.phase]?.name ?? "",
    digest: message.digest,
    shards: options.shards,
    tasks: message.tasks,
    learningRate: message.learningRate,
    gradientNorm: message.gradientNorm,
    duplicates: message.duplicates,
  });
  const gradientRound = plan.rounds.find((round) => round.program === "gradient")?.index;
  const point = progress.take(message, gradientRound, options.nowMs, options.wallMs, options.workers);
  store.appendMetric("steps", {
    ...point,
    ...message.timings,
    learningRate: message.learningRate,
    gradientNorm: message.gradientNorm,
  });
  return point;
}
