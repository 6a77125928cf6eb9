/** Shows 4: what a run of four workers keeps of its speed when one of them becomes ten times slower. */
import { plain, runCommand } from "../run-command.mjs";

export const straggler = [
  {
    number: "4",
    title: "One of four workers becomes ten times slower",
    bar: "at least 0.9 of the throughput that the healthy capacity (3.1 of 4) allows, same hash",
    async run({ say }) {
      const { code, output } = await runCommand([process.execPath, "tools/bench/straggler.mjs"]);
      const lines = plain(output).trimEnd().split("\n");
      for (const line of lines) say(line);
      const result = lines.find((line) => /^[✓✗]/.test(line));
      return { figure: result?.slice(2) ?? lines.at(-1), met: code === 0 && result !== undefined };
    },
  },
];
