/** Shows 5: a thousand workers that come and go, and a step's barrier. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { plain, runCommand } from "../run-command.mjs";

const tool = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../bench/fleet.mjs");

export const thousandWorkers = [
  {
    number: "5",
    title: "A thousand workers, a tenth leaving and joining every second for 60 s",
    bar: "0 lost, 0 doubled; < 500 MiB; heartbeats within 250 ms (p99); barrier at most 1.5 times a bare ws server's",
    async run({ say }) {
      const { code, output } = await runCommand([process.execPath, tool], {});
      const rows = plain(output)
        .split("\n")
        .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| what"));
      for (const row of rows) say(row);
      const figures = rows.map((row) => row.split(" | ")[1]?.trim());
      return { figure: figures.join("; "), met: code === 0 && rows.length === 5 };
    },
  },
];
