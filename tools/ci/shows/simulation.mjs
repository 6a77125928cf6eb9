/** Shows 2 and 8: the engines in virtual time, under faults drawn from seeds and in every order of a small run. */
import { plain, runCommand } from "../run-command.mjs";
import { runTestFile } from "../vitest-report.mjs";

const seconds = 180;
/** To know how many three minutes allow here. */
const triedSeeds = 500;

const simulate = (args) => runCommand([process.execPath, "tools/simulate/simulate.mjs", ...args]);

async function seeds(from, count) {
  const result = await simulate(["--from", String(from), "--seeds", String(count)]);
  const text = plain(result.output);
  const summary = /^(\d+) seeds: (\d+) passed, (\d+) failed;.*$/m.exec(text);
  if (!summary) throw new Error(`no result of the simulation:\n${text.slice(-2000)}`);
  return { ...result, text, line: summary[0], passed: Number(summary[2]), failed: Number(summary[3]) };
}

export const simulation = [
  {
    number: "2a",
    title: "Simulation: seeds of runs under faults",
    bar: `as many seeds as ${seconds / 60} minutes allow (the aim is 10,000), none failing`,
    async run({ say }) {
      const tried = await seeds(1, triedSeeds);
      const count = Math.max(triedSeeds, Math.floor((triedSeeds * seconds) / tried.seconds));
      const { code, line, passed, failed, text } = await seeds(1, count);
      say(line);
      if (failed > 0) say(text.slice(-3000));
      return {
        figure: `${passed} of ${count} seeds passed`,
        met: code === 0 && failed === 0 && passed === count,
      };
    },
  },
  {
    number: "2b",
    title: "Simulation: planted bugs",
    bar: "each found within its stated number of seeds",
    async run({ scratch, say }) {
      const { report } = await runTestFile("libs/testing/simulator", "src/planted/bugs.test.ts", scratch);
      for (const { title, message } of report.failures) say(`${title}: ${message}`);
      return {
        figure: `${report.passed} of ${report.passed + report.failures.length} bugs found`,
        met: report.passed > 0 && report.failures.length === 0,
      };
    },
  },
  {
    number: "8",
    title: "Every order of events: up to 2 shards, 2 workers, 2 steps, with crashes",
    bar: "bounds, number of states, invariants held",
    async run({ say }) {
      const { code, output } = await simulate(["--exhaustive", "--seconds", "120"]);
      const lines = plain(output).trimEnd().split("\n");
      for (const line of lines.slice(-20)) say(line);
      const states = lines.findLast((line) => /\d+ states/.test(line));
      return { figure: states ?? `no exploration: ${lines.at(-1)}`, met: code === 0 && states !== undefined };
    },
  },
];
