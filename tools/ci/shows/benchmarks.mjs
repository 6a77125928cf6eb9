/** Shows 7: the benchmark beside PyTorch DDP runs, and its page says what must be known. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { plain, root, runCommand } from "../run-command.mjs";

/** What the page must have; a missing table would be a benchmark that silently left something out. */
const sections = ["Training speed", "Peak memory", "The server's arithmetic", "Memory over a long run"];

export const benchmarks = [
  {
    number: "7",
    title: "npm run bench, beside PyTorch DDP over gloo",
    bar: "1 and 2 workers in turn with DDP; server reduce GB/s; peak memory; docs/benchmarks.md holds the like",
    async run({ say }) {
      const { code, output } = await runCommand(["node", "tools/bench/bench.mjs", "--quick"]);
      const text = plain(output);
      const rows = text.split("\n").filter((line) => line.startsWith("|"));
      for (const row of rows) say(row);
      if (code !== 0) say(text.slice(-2000));
      const page = readFileSync(path.join(root, "docs/benchmarks.md"), "utf8");
      const missing = sections.filter((title) => !page.includes(`## ${title}`));
      const ratios = rows.flatMap((row) => /\*\*([\d.]+)\*\*/.exec(row)?.[1] ?? []);
      return {
        figure: `samples/s to stock and tuned DDP: ${ratios.join(", ")} (1, 1, 2, 2 workers)${missing.length > 0 ? `; the page lacks ${missing.join(", ")}` : ""}`,
        met: code === 0 && ratios.length === 4 && missing.length === 0 && /\| 837,424 /.test(text),
      };
    },
  },
];
