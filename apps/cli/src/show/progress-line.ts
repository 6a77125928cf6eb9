import { taskLossesInLine } from "./many-tasks.ts";
import { formatCount, formatDuration, formatLoss, formatRate } from "./numbers.ts";
import type { ProgressState } from "./progress-state.ts";

/** One line for logs: `step 120/2,000 (6 %)  digits 0.1432  fashion 0.2210  16,700 samples/s  2 workers  1 min 12 s left`; of many tasks their mean and ends. */
export function progressText({
  snapshot,
  step,
  totalSteps,
  loss,
  samplesPerSecond,
  etaMs,
}: ProgressState): string {
  const share = totalSteps > 0 ? Math.floor((100 * step) / totalSteps) : 0;
  const workers = (snapshot?.workers ?? []).filter(({ state }) => state === "active").length;
  const total = formatCount(totalSteps);
  return [
    `step ${formatCount(step).padStart(total.length)}/${total} (${share} %)`,
    ...taskLossesInLine(loss, formatLoss),
    ...(samplesPerSecond > 0 ? [`${formatRate(samplesPerSecond)} samples/s`] : []),
    ...(workers > 0 ? [`${workers} worker${workers === 1 ? "" : "s"}`] : []),
    ...(etaMs !== null && step < totalSteps ? [`${formatDuration(etaMs)} left`] : []),
  ].join("  ");
}
