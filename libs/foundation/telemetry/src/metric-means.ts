/** What the counts of a head with several labels are called behind its name. */
const counts = ["truePositives", "falsePositives", "falseNegatives"] as const;

/**
 * Sums over samples as people are told of them: means per sample; `.correct` becomes `.accuracy`, counts of labels `.f1`,
 * of all of them together. What is said of a head some of whose labels are missing is a mean over those that are there,
 * and is left out where none is.
 * @param metrics sums by name, as the record has them
 * @param planned samples, where the sums do not say it themselves
 */
export function metricMeans(
  metrics: Readonly<Record<string, number>>,
  planned: number,
): Readonly<Record<string, number>> {
  const samples = metrics.samples ?? planned;
  const means: Record<string, number> = {};
  for (const [name, sum] of Object.entries(metrics)) {
    const [head = name, metric] = name.split(".");
    if (name === "samples" || metric === "labels" || counts.some((count) => count === metric)) continue;
    const over = metrics[`${head}.labels`] ?? samples;
    if (over > 0) means[metric === "correct" ? `${head}.accuracy` : name] = sum / over;
  }
  for (const [head, f1] of f1Scores(metrics)) means[`${head}.f1`] = f1;
  return means;
}

/** Where there was any label, predicted or true. */
function f1Scores(metrics: Readonly<Record<string, number>>): (readonly [head: string, f1: number])[] {
  return Object.keys(metrics).flatMap((name) => {
    if (!name.endsWith(`.${counts[0]}`)) return [];
    const head = name.slice(0, -counts[0].length - 1);
    const [right, ...wrong] = counts.map((count) => metrics[`${head}.${count}`] ?? 0);
    const all = 2 * (right ?? 0) + wrong.reduce((sum, count) => sum + count, 0);
    return all > 0 ? [[head, (2 * (right ?? 0)) / all] as const] : [];
  });
}
