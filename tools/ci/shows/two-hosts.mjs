/** Shows 3, on two hosts: by token and over ssh, between network namespaces. */
import { plain } from "../run-command.mjs";
import { runTestFile } from "../vitest-report.mjs";

export const twoHosts = [
  {
    number: "3c",
    title: "Same bits on two hosts, 40 steps; data with cold caches",
    bar: "the hash of one host by token and over ssh; each of 4 workers fetches at most a third of an epoch",
    async run({ scratch, say }) {
      const { report, output } = await runTestFile("apps/e2e", "src/two-hosts.e2e.test.ts", scratch, {
        config: "vitest.e2e.config.ts",
        env: { LATENTWEAVE_E2E_STEPS: "40" },
      });
      const said = [...plain(output).matchAll(/^(hash of|fetched by) .*$/gm)].map(([line]) => line);
      for (const line of said) say(line);
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      const hashes = new Set(said.flatMap((line) => /[0-9a-f]{64}/.exec(line)?.[0] ?? []));
      return {
        figure: `${hashes.size === 1 ? `one hash: ${[...hashes][0].slice(0, 12)}` : `${hashes.size} hashes`}; ${said.filter((line) => line.startsWith("fetched by")).join(", ")}`,
        met: report.failures.length === 0 && report.passed >= 4 && hashes.size === 1,
      };
    },
  },
];
