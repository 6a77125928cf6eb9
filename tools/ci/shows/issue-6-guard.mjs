/** Shows 8: do no harm, over ten pairs of image sets. */
import { reproduce } from "./reproduction.mjs";

export const guardRows = [
  {
    number: "8",
    title: "Do no harm: ten pairs of image sets, guarded, beside each task alone, five seeds",
    bar: "no task more than 1 % worse than alone; mean gain at 50 samples ≥ 10 % over related pairs",
    async run({ say, scratch }) {
      const { code, output } = await reproduce("do-no-harm", { say, args: ["--runs", scratch], hours: 2 });
      const [, worst] = /with it the worst task is [^:]*: ([+−][\d.]+ %)/.exec(output) ?? [];
      const [, gain] = /mean gain at 50 samples over related pairs: ([+−][\d.]+ %)/.exec(output) ?? [];
      const [, harmed] = /without the guard: (\d+ of \d+) tasks/.exec(output) ?? [];
      return {
        figure: gain
          ? `worst task ${worst}, gain ${gain}; without the guard ${harmed} tasks are harmed by more than 1 %`
          : "no figure",
        met: code === 0,
      };
    },
  },
];
