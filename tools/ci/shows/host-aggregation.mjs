/** Shows 16: four workers of one host, the parameter server on another. */
import { plain, runCommand } from "../run-command.mjs";
import { runTestFile } from "../vitest-report.mjs";

const tests = 3;

export const hostAggregation = [
  {
    number: "16",
    title: "One worker speaks for the 4 of its host to a parameter server behind a cable of 1 Gbit/s",
    bar: "at most 0.3 of four senders' bytes on the wire, each way; the same hash, also when it is killed or stopped",
    async run({ scratch, say }) {
      const { code, output } = await runCommand(
        ["node", "tools/bench/matrix.mjs", "--only", "host-aggregation", "--rounds", "1", "--dry"],
        {},
      );
      const text = plain(output);
      const lines = text.split("\n").filter((line) => /^(\||bytes )/.test(line));
      for (const line of lines) say(line);
      if (code !== 0) say(text.slice(-2000));
      const ratios = [...text.matchAll(/bytes [^:]+: \*\*([\d.]+)\*\*[^;]*: (met|\*\*missed)/g)];
      const { report } = await runTestFile("apps/e2e", "src/relays.e2e.test.ts", scratch, {
        config: "vitest.e2e.config.ts",
      });
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      const isMet = ratios.length === 2 && ratios.every(([, , word]) => word === "met");
      return {
        figure: `${ratios.map(([, ratio]) => ratio).join(" and ")} of the bytes; ${report.passed} of ${tests} tests`,
        met: code === 0 && isMet && report.failures.length === 0 && report.passed >= tests,
      };
    },
  },
];
