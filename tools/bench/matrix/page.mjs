/** The matrix as text: a case for the terminal, all of them as docs/benchmarks-matrix.md. */
const count = (value) => Math.round(value).toLocaleString("en-US");

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function ratioText({ of, to, median, worst, best, bar }) {
  const met = bar === undefined ? "" : `, bar ${bar}: ${median >= bar ? "met" : "**missed**"}`;
  return `${of} / ${to} **${median.toFixed(2)}** [${worst.toFixed(2)}–${best.toFixed(2)}]${met}`;
}

/** Samples/s of each row, and the ratios with their bars. */
export function caseTable({ title }, { rows, ratios, hash }) {
  const head = [title, "samples/s, median", "worst–best", "ms a step"];
  const lines = rows.map(({ name, samplesPerSecond, stepMs }) => [
    name,
    count(samplesPerSecond.median),
    `${count(samplesPerSecond.worst)}–${count(samplesPerSecond.best)}`,
    stepMs.toFixed(2),
  ]);
  const same = hash === null ? "" : `\n\nOne hash: \`${hash.slice(0, 12)}\`.`;
  return `${table(head, lines)}\n\n${ratios.map(ratioText).join("; ")}.${same}`;
}

export function matrixPage(cases, kept) {
  const parts = cases
    .filter(({ name }) => kept[name])
    .map((one) => {
      const result = kept[one.name];
      const { machine, torch, isBusy, rounds } = result;
      const when = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, TensorFlow ${machine.tensorflow ?? "none"}${torch === null ? "" : `, PyTorch ${torch}`}; ${rounds} rounds; ${machine.date} at ${machine.commit}${isBusy ? "; **the machine was busy: this means little**" : ""}`;
      return `## ${one.name}\n\n${caseTable(one, result)}\n\n<sub>${when}</sub>`;
    });
  return `# Benchmarks, case by case

Written by \`npm run bench:matrix\` (\`tools/bench\`); the numbers behind it are in \`tools/bench/results/matrix.json\`. Rows of a case take turns, round by round, in the same run; a ratio is samples/s over samples/s in the same round: median [worst–best]. Above 1 the first is faster. PyTorch DDP runs over gloo, one process and one thread per rank; _stock_ and _tuned_ are those of [benchmarks.md](benchmarks.md). Ours is the whole product with the same-bits guarantee on.

${parts.join("\n\n")}
`;
}
