/** Shows 8: do no harm, over ten pairs of image sets. */
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

export const guardRows = [
  {
    number: "8",
    title: "Do no harm: ten pairs of image sets, guarded, beside each task alone, five seeds",
    bar: "no task more than 1 % worse than alone; mean gain at 50 samples ≥ 10 % over related pairs",
    async run({ say, scratch }) {
      const { code, output } = await runCommand(
        ["node", path.join(root, "examples/reproduce/do-no-harm/run.mjs"), "--runs", scratch],
        { timeoutMs: 2 * 3_600_000 },
      );
      for (const line of output.trimEnd().split("\n")) say(line);
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
