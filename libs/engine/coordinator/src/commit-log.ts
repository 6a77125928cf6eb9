import { planApplied, planStep, type RunSpec } from "@latentweave/plan";
import type { Deal, MessageOf, RunStore } from "@latentweave/protocol";
import type { CommitPoint } from "@latentweave/telemetry";
import type { Progress } from "./progress.ts";
import type { RunLog } from "./run-log.ts";

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
  const { step, order } = message;
  const plan = order ? planApplied(spec, step, order.planned) : planStep(spec, step);
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
    ...(message.paused && { paused: message.paused }),
    ...(message.guard && { guard: message.guard }),
    ...(message.deal && { deal: message.deal }),
    ...(message.order && { order: message.order }),
  });
  if (!isNew) return undefined;
  const gradientRound = plan.rounds.find((round) => round.program === "gradient")?.index;
  const point = progress.take(message, gradientRound, options.nowMs, options.wallMs, options.workers);
  store.appendMetric("steps", {
    ...point,
    ...message.timings,
    learningRate: message.learningRate,
    gradientNorm: message.gradientNorm,
    ...(message.gradients && { gradients: message.gradients }),
    ...(message.paused && { paused: message.paused.map(({ task }) => task) }),
    ...(message.order && { planned: message.order.planned, givenUp: message.order.givenUp.length }),
  });
  return point;
}

/** Modes with an order: nothing is computed again without a word. */
export function tellGivenUp(log: Pick<RunLog, "event">, { step, order }: MessageOf<"committed">): void {
  for (const { planned, basis, why } of order?.givenUp ?? [])
    log.event(
      why === "unfit" ? "warning" : "info",
      `planned step ${planned}, on version ${basis}, is computed again: ${reasons[why]} (by step ${step})`,
    );
}

/** A task that is left out is named, and so is one that takes part again. @returns whether there was one */
export function tellPauses(
  log: Pick<RunLog, "event">,
  { step, paused = [] }: MessageOf<"committed">,
  resumed: readonly string[],
): boolean {
  const begun = paused.filter((one) => one.since === step);
  for (const { task, since, why, until } of begun)
    log.event(
      "warning",
      `task "${task}" is paused from step ${since} on: ${why}; the others go on${until === null ? "" : `, and it is tried again at step ${until}`}`,
    );
  for (const task of resumed) log.event("info", `task "${task}" takes part again from step ${step} on`);
  return begun.length > 0 || resumed.length > 0;
}

const reasons = {
  stale: "it would have come too late",
  lost: "whoever had it was lost",
  unfit: "a number was not finite",
} as const;

/** What the guard has done, in words. */
export function tellGuard(log: Pick<RunLog, "event">, { step, guard }: MessageOf<"committed">): void {
  for (const { task, action, harm, factor } of guard ?? [])
    log.event(
      "info",
      `step ${step}: the task "${task}" is ${(100 * harm).toPrecision(3)} % worse than alone: ${acts[action](factor)}`,
    );
}

/** What tasks have from now on, where it is not what they had. */
export function tellDeal(
  log: Pick<RunLog, "event">,
  spec: Pick<RunSpec, "tasks">,
  { deal }: MessageOf<"committed">,
  before: Deal | undefined,
): void {
  if (!deal || deal.rows.join() === before?.rows.join()) return;
  const parts = deal.rows.map((rows, task) => {
    const { name, slots } = spec.tasks[task] ?? { name: "", slots: 0 };
    return `${name} ${slots * rows} (${(100 * (deal.shares[task] ?? 0)).toFixed(0)} %)`;
  });
  log.event("info", `samples from step ${deal.from} on: ${parts.join(", ")}`);
}

const acts = {
  branch: () => "it goes on in a branch of its own, its baseline's",
  detach: () => "the shared parameters no longer learn from it",
  reweight: (factor: number) => `its weight is multiplied by ${factor} from now on`,
} as const;
