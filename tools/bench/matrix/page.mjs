/** The matrix as text: a case for the terminal, all of them as docs/benchmarks-matrix.md. */
import { judged } from "./bars.mjs";
import { table } from "../table.mjs";

const count = (value) => (value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString("en-US"));
/** Two figures of what is small, whole milliseconds of what is not. */
const milliseconds = (ms) => (ms < 100 ? ms.toPrecision(2) : String(Math.round(ms)));
const metText = (isMet) => (isMet === undefined ? "" : isMet ? "yes" : "**no**");

function ratioText({ what, figure, bar, isMet }) {
  const met = isMet === undefined ? "" : `, bar ${bar}: ${isMet ? "met" : "**missed**"}`;
  return `${what} ${figure}${met}`;
}

/** Where the milliseconds of a step of ours go: those of `benchmarks.md`. */
function phaseText({ name, phases }) {
  if (phases === undefined) return "";
  const parts = Object.entries(phases).map(
    ([process, values]) =>
      `${process} ${Object.entries(values)
        .map(([phase, ms]) => `${phase} ${milliseconds(ms)}`)
        .join(", ")}`,
  );
  return `\n\nms a step of ${name}: ${parts.join("; ")}.`;
}

/** What each row did in a second, and the ratios with their bars. */
export function caseTable(one, result, kept) {
  const head = [one.title, `${one.unit ?? "samples"}/s, median`, "worst–best", "ms a step"];
  const lines = result.rows.map(({ name, perSecond, stepMs }) => [
    name,
    count(perSecond.median),
    `${count(perSecond.worst)}–${count(perSecond.best)}`,
    stepMs.toPrecision(3),
  ]);
  const same = result.hash === null ? "" : `\n\nOne hash: \`${result.hash.slice(0, 12)}\`.`;
  const phases = result.rows.map(phaseText).join("");
  return `${table(head, lines)}\n\n${judged(one, result, kept).map(ratioText).join("; ")}.${same}${phases}`;
}

/** Where each figure stands. */
function summary(cases, kept) {
  const rows = cases.flatMap((one) =>
    (one.judged ?? judged)(one, kept[one.name], kept)
      .filter(({ bar }) => bar !== "")
      .map(({ what, figure, bar, isMet }) => [`${one.title}: ${what}`, figure, bar, metText(isMet)]),
  );
  return table(["case", "figure", "bar", "met"], rows);
}

function whenText({ machine, torch, isBusy, rounds, warmup }) {
  const versions = [
    `Node ${machine.node}`,
    `TensorFlow ${machine.tensorflow ?? "none"}`,
    ...(torch === null ? [] : [`PyTorch ${torch}`]),
  ].join(", ");
  const after = warmup === undefined ? "" : ` after ${warmup.toLocaleString("en-US")} steps of warm-up`;
  const busy = isBusy ? "; **the machine was busy: this means little**" : "";
  return `${machine.cpu}, ${machine.cores} cores, ${versions}; ${rounds} ${rounds === 1 ? "round" : "rounds"}${after}; ${machine.date} at ${machine.commit}${busy}`;
}

export function matrixPage(cases, kept) {
  const present = cases.filter(({ name }) => kept[name]);
  const parts = present.map((one) => {
    const result = kept[one.name];
    const note = one.note === undefined ? "" : `\n\n${one.note}`;
    return `### ${one.name}\n\n${(one.text ?? caseTable)(one, result, kept)}${note}\n\n<sub>${whenText(result)}</sub>`;
  });
  return `# Benchmarks, case by case

Written by \`npm run bench:matrix\` (\`tools/bench\`); the numbers behind it are in \`tools/bench/results/matrix.json\`. Rows of a case take turns, round by round, in the same run; a ratio is what one does in a second over what the other does, in the same round (where it says _time_, the other way round): median [worst–best]. Above 1 the first is faster. PyTorch DDP runs over gloo, one process and one thread per rank; _stock_ and _tuned_ are those of [benchmarks.md](benchmarks.md). Ours is the whole product with the same-bits guarantee on; _beside_: with a shard of the parameter server in each worker's process (\`--placement beside\`), _dedicated_: with one shard in a process of its own (the default). A case's bar is on the placement that \`--placement auto\` takes for that many parameters. Steps count after a warm-up: ours as long as V8 takes to compile what runs often, where that is not too long to wait for (\`tools/bench/warm-up.mjs\`; how many steps stands below the case), PyTorch's at most 300 steps, for it compiles nothing. So these are figures of long runs; the first thousand steps of one are slower, the more so the smaller they are.

## All bars

${summary(present, kept)}

## Cases

${parts.join("\n\n")}
`;
}
