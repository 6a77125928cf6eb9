/** What is said of a run's tasks where there are more of them than anybody reads. */

/** A line of a log has room for so many tasks by name. */
const tasksInLine = 8;

export interface TaskLoss {
  readonly task: string;
  readonly value: number;
}

/** Losses of the tasks, highest first: what is not finite, then numbers; equal ones in the tasks' order. */
export function byLoss(loss: Readonly<Record<string, number>>): TaskLoss[] {
  return Object.entries(loss)
    .map(([task, value]) => ({ task, value }))
    .sort((a, b) => rank(b.value) - rank(a.value));
}

const rank = (value: number): number => (Number.isFinite(value) ? value : Number.MAX_VALUE);

/** Mean over the tasks whose loss is a number. */
export function meanLoss(losses: readonly TaskLoss[]): number {
  const finite = losses.filter(({ value }) => Number.isFinite(value));
  return finite.reduce((sum, { value }) => sum + value, 0) / finite.length;
}

/** Each task by name, or, of many, how many there are, their mean, the lowest and the highest. */
export function taskLossesInLine(
  loss: Readonly<Record<string, number>>,
  format: (value: number) => string,
): string[] {
  const losses = byLoss(loss);
  const [highest, lowest] = [losses[0], losses.at(-1)];
  if (losses.length <= tasksInLine || !highest || !lowest)
    return Object.entries(loss).map(([task, value]) => `${task} ${format(value)}`);
  return [
    `${losses.length} tasks: mean ${format(meanLoss(losses))}`,
    `lowest ${lowest.task} ${format(lowest.value)}`,
    `highest ${highest.task} ${format(highest.value)}`,
  ];
}
