/** Shows 4: training is what the formulas say. */
import { plain } from "../run-command.mjs";
import { runTestFile } from "../vitest-report.mjs";

export const truth = [
  {
    number: "4",
    title: "50 steps beside an independent float64 loop, and beside tf.train.adam",
    bar: "relative L2 distance of every tensor ≤ 1e-5 for SGD, momentum, Adam, AdamW",
    async run({ scratch, say }) {
      const { report, output } = await runTestFile(
        "libs/testing/simulator",
        "src/truth.native.test.ts",
        scratch,
      );
      const distances = [...plain(output).matchAll(/^(\w+): largest relative L2 distance (\S+)$/gm)];
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      return {
        figure: distances.map(([, optimiser, far]) => `${optimiser} ${far}`).join(", "),
        met: report.failures.length === 0 && report.passed >= 5 && distances.length >= 4,
      };
    },
  },
];
