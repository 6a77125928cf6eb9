/** What a disturbance did to a run, read from the times of its commits. */
import { median } from "../statistics.mjs";

/** So many steps may be on their way when something is killed, and be committed as if nothing had happened. */
const onTheirWay = 3;

/** Milliseconds between commits, over this many before the newest. */
export function medianStepMs(commits, most = 200) {
  const last = commits.slice(-most);
  return median(last.slice(1).map(({ atMs }, place) => atMs - last[place].atMs));
}

/**
 * From the disturbance to the end of the pause that it made: a step that needed nothing more of what was killed is no
 * recovery, so of the first few pauses the longest counts.
 * @returns {{ ms: number, step: number } | undefined} undefined while too little was committed to tell
 */
export function recoveryAfter(commits, atMs) {
  const next = commits.findIndex((commit) => commit.atMs > atMs);
  if (next < 1 || commits.length < next + onTheirWay) return undefined;
  let longest = { pauseMs: -1 };
  for (let place = next; place < next + onTheirWay; place++) {
    const pauseMs = commits[place].atMs - commits[place - 1].atMs;
    if (pauseMs > longest.pauseMs) longest = { pauseMs, commit: commits[place] };
  }
  return { ms: longest.commit.atMs - atMs, step: longest.commit.step };
}

/** Steps that were committed before and had to be made again. */
export function stepsUndone(commits) {
  let undone = 0;
  let most = -1;
  for (const { step } of commits) {
    if (step <= most) undone += 1;
    most = Math.max(most, step);
  }
  return undone;
}
