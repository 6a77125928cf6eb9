/** Shows 8: the README opens with a recording that a command makes from a real run. */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

export const recording = [
  {
    number: "8",
    title: "The README's recording, made again; its job and its figures",
    bar: "a recording with equal hashes; a ten-line job; three figures with their conditions",
    async run({ scratch, say }) {
      const { code, output } = await runCommand(["node", "tools/record/record.mjs", "--out", scratch]);
      if (code !== 0) say(output.trim());
      const made = JSON.parse(readFileSync(path.join(scratch, "recording.json"), "utf8"));
      const bytes = statSync(path.join(scratch, "recording.gif")).size;
      const readme = readFileSync(path.join(root, "README.md"), "utf8");
      const opensWithIt = readme.slice(0, readme.indexOf("```")).includes("docs/media/recording.gif");
      const job = /```ts\n(import \{ defineJob.*?)```/s.exec(readme)?.[1].trimEnd().split("\n") ?? [];
      const table = /^\| what +\| figure +\| conditions[^]*?\n\n/m.exec(readme)?.[0] ?? "";
      const figures = table.trimEnd().split("\n").slice(2).length;
      say(`next step ${made.nextStepAfterMs} ms after kill -9; ${(bytes / 1e6).toFixed(2)} MB`);
      return {
        figure: `recorded, ${made.nextStepAfterMs} ms to the next step; job of ${job.length} lines; ${figures} figures`,
        met: code === 0 && opensWithIt && job.length === 10 && figures === 3,
      };
    },
  },
];
