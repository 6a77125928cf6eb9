/** Shows 6: MultiMNIST, combiners beside the tuned sum. */
import { reproduce } from "./reproduction.mjs";

const leastCombiners = 10;

export const multiMnistRows = [
  {
    number: "6",
    title: "MultiMNIST: both accuracies of combiners and of the tuned sum, and which differences are real",
    bar: `${leastCombiners} combiners or more, the tuned sum, seeds, and a sentence about the differences`,
    async run({ say }) {
      const { code, output } = await reproduce("multi-mnist", { say, hours: 4 });
      const [, left, right] = /^\| tuned sum \| ([^|]+) \| ([^|]+) \|/m.exec(output) ?? [];
      const sentence = /^(None of the|Of) \d+ differences .*$/m.exec(output)?.[0];
      const combiners = Number(/^(\d+) combiners, seeds/m.exec(output)?.[1]);
      return {
        figure: left ? `tuned sum ${left} and ${right}; ${sentence ?? "no sentence"}` : "no figure",
        met: code === 0 && combiners >= leastCombiners && sentence !== undefined,
      };
    },
  },
];
