import { expect, it } from "vitest";
import { simulate } from "./simulate.ts";

const steps = 20;
/** The job `bare` of tiny-jobs.ts: a recovery point after each step. With checkpoints alone, of every third, it is 2 or 3. */
const mostUndone = 1;

it.each([2, 3])(
  "of %i shards, one that is lost with its memory costs few steps and no bit",
  async (shards) => {
    const undone: number[] = [];
    for (let who = 0; who < shards; who++)
      for (let atStep = 1; atStep < steps - 1; atStep++) {
        const { violations, commits } = await simulate({
          ...{ seed: 1 + atStep, job: "bare", steps, workers: 2, shards, codec: false },
          faults: [
            {
              what: "power-cut",
              when: { atStep, by: `shard-${who}`, moment: "before-reduce" },
              who: `shard-${who}`,
              downMs: 50,
            },
          ],
        });
        expect(violations, `shard ${who} in step ${atStep}`).toEqual([]);
        undone.push(commits - steps);
      }
    console.log(`${shards} shards: steps undone ${undone.join(" ")}`);
    expect(Math.max(...undone)).toBeGreaterThan(0);
    expect(Math.max(...undone)).toBeLessThanOrEqual(mostUndone);
  },
);
