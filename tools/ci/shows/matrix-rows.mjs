/** Shows 1 to 7, 10 to 14: cases of `npm run bench:matrix`, each beside its bar. */
import { plain, runCommand } from "../run-command.mjs";

const rounds = "5";

/** A figure with its bar, as the matrix prints it: `what **1.12** [1.05–1.19], bar ≥ 1.4: **missed**`. */
const judged = /([^;:|\n]+?):? \*\*([^*]+)\*\*(?: \[[^\]]*\])?, bar ([^:]+): (met|\*\*missed\*\*)/g;

/** Cases of the matrix as one row: met where every figure with a bar is. */
export function matrixRow(number, title, bar, cases, { oneHash = false } = {}) {
  return {
    number,
    title,
    bar,
    async run({ keep, say }) {
      const { code, output } = await runCommand([
        ...["node", "tools/bench/matrix.mjs", "--only", cases, "--rounds", rounds],
        ...(keep ? [] : ["--dry"]),
      ]);
      const text = plain(output);
      for (const line of text
        .split("\n")
        .filter((each) => /^\||bar |^One hash|busy|other programs/.test(each)))
        say(line);
      if (code !== 0) say(text.slice(-2000));
      const found = [...text.matchAll(judged)];
      const figures = found.map(([, what, figure]) => `${what.trim()} ${figure}`);
      const hashes = text.match(/^One hash/gm)?.length ?? 0;
      const isMet = found.length > 0 && found.every(([, , , , word]) => word === "met");
      return {
        figure: oneHash ? `${hashes === 1 ? "one hash" : "no common hash"}` : figures.join("; "),
        met: code === 0 && (oneHash ? hashes === 1 : isMet),
      };
    },
  };
}

export const computeRows = [
  matrixRow(
    "1",
    "Compute of one worker, one thread, 0.84 M, beside PyTorch eager",
    "time ≤ 1.15 ×",
    "compute",
  ),
  matrixRow("2", "The convolutional example, the same way", "time ≤ 1.25 ×", "compute-convolutional"),
];

export const ddpRows = [
  matrixRow(
    ...["3", "2 workers beside tuned DDP: 0.84 M, 3.3 M, 26.8 M", "≥ 1.4, 1.25, 1.4 ×"],
    "0.84m,3.3m,26.8m",
  ),
  matrixRow("4", "4 workers on two cores beside tuned DDP", "≥ 1.4 ×", "4-workers"),
];

const sizes = ["4kb", "1mb", "16mb", "100mb"];

export const exchangeRows = [
  matrixRow(
    ...["5", "Exchange alone beside gloo's all-reduce: 4 KB, 1 MB, 16 MB, 100 MB", "≥ 3, 3, 1.5, 1.5 ×"],
    sizes.map((size) => `exchange-${size}`).join(","),
  ),
  matrixRow(
    ...["6", "The same through WebSockets alone", "≥ 0.5 ×"],
    sizes.map((size) => `sockets-${size}`).join(","),
  ),
  matrixRow("7", "About 1,000 parameters, 4 workers, steps/s beside DDP", "≥ 2 ×", "tiny"),
];

export const serverRows = [
  matrixRow(
    "10",
    "A parameter server's memory for 2, 8, 64 and 512 workers",
    "≤ 4 P words and a tree of slices",
    "server-memory",
  ),
  matrixRow("11", "A checkpoint every 10 steps at 26.8 M", "≤ 5 % of the step", "checkpoints"),
  matrixRow("12", "Steps predicted beside measured ones", "within 15 %", "prediction"),
  matrixRow("13", "The fast path and the plainest one", "one hash", "plain-path", { oneHash: true }),
  matrixRow(
    ...[
      "14",
      "Row 3 with 4 tasks, with 3 workers, with unequal leases",
      "≥ 0.85 of row 3's ratio (as recorded)",
    ],
    "4-tasks,3-workers,unequal",
  ),
];
