/** Samples/s with more and more workers on this machine, beside tuned DDP and TensorFlow.js by itself. */
import { placements, standard, widthSettings } from "./ddp-rows.mjs";
import { caseTable } from "./page.mjs";
import { scalingChart } from "./scaling-chart.mjs";

const counts = [1, 2, 4];
const counted = { warmup: 30, steps: 100 };
const series = [
  { name: "beside", side: "ours", settings: placements.beside },
  { name: "dedicated", side: "ours", settings: placements.dedicated },
  { name: "tuned", side: "pytorch", variant: "tuned" },
];

const rows = series.flatMap(({ name, side, settings, variant }) =>
  counts.map((workers) => ({
    ...{ name: `${name} ${workers}`, side },
    options:
      side === "ours"
        ? { workers, ...counted, settings: [...widthSettings(standard), ...settings] }
        : { workers, ...counted, widths: standard, variant },
  })),
);
const tfjs = {
  name: "tfjs",
  side: "tfjs",
  options: { widths: standard, batch: 256, ...counted },
};

/** What each number of workers does over what one does. */
const scaled = series.flatMap(({ name }) =>
  counts.slice(1).map((workers) => ({ of: `${name} ${workers}`, to: `${name} 1` })),
);

export const scalingCases = [
  {
    name: "plain-tfjs",
    title: "TensorFlow.js by itself, 0.84 M parameters",
    rows: [tfjs, ...rows.filter(({ name }) => ["dedicated 1", "dedicated 2"].includes(name))],
    ratios: [
      { of: "dedicated 1", to: "tfjs" },
      { of: "dedicated 2", to: "tfjs" },
    ],
    note: "_tfjs_: one process and one thread, `tf.layers` and `model.fit` with Adam over images in memory, as a user of TensorFlow.js writes this model today, on the native binding that ours has too. It has no parameter server, record or metrics.",
  },
  {
    name: "scaling",
    title: "more workers on one machine, 0.84 M parameters",
    rows,
    ratios: scaled,
    text: (one, result, kept) =>
      `${caseTable(one, result, kept)}\n\n![Samples/s beside the number of workers](media/scaling.svg)`,
    note: "The number in a row's name is that of workers, or of ranks: one thread each, 256 samples each and step. With more of them than cores nothing more can be gained.",
    pictures: (result) => ({
      "scaling.svg": scalingChart(result, {
        series: series.map(({ name }) => name),
        counts,
        cores: result.machine.cores,
      }),
    }),
  },
];
