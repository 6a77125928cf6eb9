/** Shows 9: a worker that sends wrong bits now and then. */
import { existsSync } from "node:fs";
import path from "node:path";
import { plain, root, runCommand } from "../run-command.mjs";

const tool = "tools/bench/liar.mjs";

export const liar = [
  {
    number: "9",
    title: "A worker with wrong bits in 1 of 50 micro-batches, audit share 5 %",
    bar: "found within the stated number of steps (median of 10), rolled back, hash of the honest run",
    async run({ say }) {
      if (!existsSync(path.join(root, tool)))
        return { figure: `not measured: ${tool} does not exist`, met: false };
      const { code, output } = await runCommand([process.execPath, tool]);
      const lines = plain(output).trimEnd().split("\n");
      for (const line of lines) say(line);
      return {
        figure: lines.findLast((line) => /^[✓✗]/.test(line))?.slice(2) ?? lines.at(-1),
        met: code === 0,
      };
    },
  },
];
