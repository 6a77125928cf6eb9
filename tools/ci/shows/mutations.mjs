/** Shows 6: a byte changed anywhere in what is kept of a run is found. */
import { runTestFile } from "../vitest-report.mjs";

export const mutations = [
  {
    number: "6",
    title: "verify, after one random byte of the record, manifests or checkpoints was changed, 200 times",
    bar: "each is found; a damaged index is made again",
    async run({ scratch, say }) {
      const { report } = await runTestFile("libs/engine/verify", "src/mutations.test.ts", scratch);
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      return {
        figure: `${report.passed} of ${report.passed + report.failures.length} tests over 200 mutations`,
        met: report.passed > 0 && report.failures.length === 0,
      };
    },
  },
];
