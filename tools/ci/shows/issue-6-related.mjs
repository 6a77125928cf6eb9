/** Shows 9 and 10: scores of relatedness beside measured transfer, and new tasks on a frozen latent. */
import { reproduce } from "./reproduction.mjs";

export const relatedRows = [
  {
    number: "9",
    title: "Relatedness: how well cheap scores rank the measured transfer of eight tasks",
    bar: "Spearman ≥ 0.8 for the best, or what is reachable with the figure of each score",
    async run({ say, scratch }) {
      const { code, output } = await reproduce("relatedness", { say, args: ["--runs", scratch], hours: 2 });
      const scores = [...output.matchAll(/^\| ([a-z ]+) \| (-?\d\.\d+) \| [\d.–]+ \| \d+ \|$/gm)];
      return {
        figure: scores.map(([, name, figure]) => `${name} ${figure}`).join(", "),
        met: code === 0 && scores.length > 0,
      };
    },
  },
  {
    number: "10",
    title: "New tasks with a tenth of their rows on a frozen latent, beside all rows from scratch",
    bar: "≥ 95 % of the quality on at least three tasks",
    async run({ say, scratch }) {
      const { code, output } = await reproduce("transfer", { say, args: ["--runs", scratch], hours: 2 });
      const shares = [...output.matchAll(/^\| ([^|]+?) \|.*\| ([\d.]+) % \| (?:yes|NO) \|$/gm)];
      return {
        figure: shares.map(([, task, share]) => `${task} ${share} %`).join(", "),
        met: code === 0 && shares.length >= 3,
      };
    },
  },
];
