/** entry [i][j]: what task j gains from being trained with task i, as a share; null: not measured. */
export type GainMatrix = readonly (readonly (number | null)[])[];

export interface Grouping {
  /** Tasks by number; every task is in one group, each group and their list in order of their first task. */
  readonly groups: readonly (readonly number[])[];
  /** Mean over tasks of the expected gain; a task alone gains 0. */
  readonly gain: number;
}

/**
 * What a grouping is expected to gain: a task in a group, the mean of what it gains from each of the others (the
 * approximation from pairs of Standley et al. 2020); alone, 0.
 * @returns null where a pair of a group was not measured
 */
export function groupingGain(groups: readonly (readonly number[])[], gains: GainMatrix): number | null {
  let sum = 0;
  for (const group of groups)
    for (const to of group) {
      let own = 0;
      for (const from of group) {
        if (from === to) continue;
        const gain = gains[from]?.[to] ?? null;
        if (gain === null) return null;
        own += gain;
      }
      if (group.length > 1) sum += own / (group.length - 1);
    }
  return sum / gains.length;
}

/** Bell(9) = 21,147 partitions are looked at in no time; Bell(12) are four million. */
const mostForAll = 9;

/**
 * The grouping that is expected to gain most, into at most `mostGroups`: of all of them up to 9 tasks, beyond by merging
 * the two groups that add most as long as any do.
 * @returns undefined where so few groups need pairs that were not measured
 */
export function bestGrouping(gains: GainMatrix, mostGroups: number): Grouping | undefined {
  return gains.length <= mostForAll ? bestOfAll(gains, mostGroups) : bestByMerging(gains, mostGroups);
}

function bestOfAll(gains: GainMatrix, mostGroups: number): Grouping | undefined {
  let best: Grouping | undefined;
  const place = (task: number, groups: readonly (readonly number[])[]): void => {
    if (task === gains.length) {
      const gain = groupingGain(groups, gains);
      if (gain !== null && (!best || gain > best.gain)) best = { groups, gain };
      return;
    }
    // Alone first: where nothing gains, nothing is grouped.
    if (groups.length < mostGroups) place(task + 1, [...groups, [task]]);
    for (const [at, group] of groups.entries())
      place(
        task + 1,
        groups.map((other, index) => (index === at ? [...group, task] : other)),
      );
  };
  place(0, []);
  return best;
}

function bestByMerging(gains: GainMatrix, mostGroups: number): Grouping | undefined {
  let groups: (readonly number[])[] = gains.map((_, task) => [task]);
  let gain = 0;
  while (groups.length > 1) {
    let best: { readonly groups: (readonly number[])[]; readonly gain: number } | undefined;
    for (let i = 0; i < groups.length; i++)
      for (let j = i + 1; j < groups.length; j++) {
        const merged = groups.flatMap((group, at) =>
          at === j ? [] : [at === i ? [...group, ...(groups[j] ?? [])] : group],
        );
        const value = groupingGain(merged, gains);
        if (value !== null && (!best || value > best.gain)) best = { groups: merged, gain: value };
      }
    if (!best) break;
    if (groups.length <= mostGroups && best.gain <= gain) break;
    ({ groups, gain } = best);
  }
  if (groups.length > mostGroups) return undefined;
  return { groups: groups.map((group) => [...group].sort((a, b) => a - b)), gain };
}
