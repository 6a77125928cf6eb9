/** Shows 3: how long a run stands still when a part of it is killed or stopped. */
import { plain, runCommand } from "../run-command.mjs";

export const recovery = [
  {
    number: "3",
    title: "Recovery, medians of 10, beside torchrun elastic",
    bar: "worker < 1 s, shard < 3 s, coordinator's successor < 5 s, host to its recovery point, a stopped worker costs at most 2 median steps and 500 ms; nothing undone",
    async run({ say }) {
      const { code, output } = await runCommand([process.execPath, "tools/bench/recovery.mjs"]);
      const text = plain(output);
      for (const line of text.trimEnd().split("\n")) say(line);
      const rows = text.split("\n").filter((line) => line.startsWith("| ") && !/^\| (---|what) /.test(line));
      return {
        figure: rows.map((row) => row.split(" | ")[2]).join("; "),
        met: code === 0 && rows.length >= 6,
      };
    },
  },
];
