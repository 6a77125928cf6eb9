import { planStep, type RunSpec } from "@latentweave/plan";
import type { MessageOf, RunStore } from "@latentweave/protocol";
import type { CommitPoint } from "@latentweave/telemetry";
import type { Progress } from "./progress.ts";

/**
 * Writes a commit to the ledger and the metric series, and follows it.
 * @returns its point of the history; undefined for one that the ledger had already
 */
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
): CommitPoint | undefined {
  const { spec, store, progress } = options;
  const plan = planStep(spec, message.step);
  const isNew = store.appendCommit({
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
  if (!isNew) return undefined;
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
