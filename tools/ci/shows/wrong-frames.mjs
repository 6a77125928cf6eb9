/** Shows 7: wrong frames against every kind of process. */
import { plain } from "../run-command.mjs";
import { runTestFile } from "../vitest-report.mjs";

/** For each of coordinator, parameter server and worker. */
const frames = 34_000;

export const wrongFrames = [
  {
    number: "7",
    title: "Random and mutated frames against coordinator, parameter server and worker",
    bar: "100,000 frames: no crash, no hang, no growth of memory, other connections unharmed",
    async run({ scratch, say }) {
      const { report, output } = await runTestFile("apps/e2e", "src/fuzz.e2e.test.ts", scratch, {
        config: "vitest.e2e.config.ts",
        env: { LATENTWEAVE_FUZZ_FRAMES: String(frames) },
      });
      const said =
        plain(output).match(/^(coordinator|parameter-server|worker|damaged on the way): .*$/gm) ?? [];
      for (const line of said) say(line);
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      return {
        figure: `${report.passed} of ${report.passed + report.failures.length} tests, ${frames} frames for each process`,
        met: report.failures.length === 0 && report.passed >= 3 && said.length >= 4,
      };
    },
  },
];
