/** What it costs to combine 16 tasks by their gradients, beside their plain sum: the same job, the same samples. */
import { fileURLToPath } from "node:url";

const sixteenTasks = fileURLToPath(new URL("./sixteen-tasks.yaml", import.meta.url));
const tasks = Array.from({ length: 16 }, (_, at) => `t${at + 1}`);
/** By the median of `decide` those that took longest of all combiners, each of another kind. */
const dear = ["nash-mtl", "upgrad", "aligned-mtl", "pcgrad"];
/** Of the time of a step. */
const mostTime = 1.05;

/** Its authors make it cheap so; the bar is for those that make weights in every step. */
const held = "nash-mtl, weights every 4 steps";

const row = (name, combiner = name) => ({
  ...{ name, side: "ours" },
  options: {
    ...{ job: sixteenTasks, tasks, workers: 2, slots: 2, batch: 64, warmup: 40, steps: 40 },
    settings: ["--set", `combiner=${combiner}`],
  },
});

export const combinerCases = [
  {
    name: "16-tasks",
    title: "16 tasks that share 1 million parameters: combiners beside the plain sum",
    rows: [
      ...["sum", ...dear].map((name) => row(name)),
      row(held, JSON.stringify({ kind: "nash-mtl", weightsEverySteps: 4 })),
    ],
    ratios: [...dear, held].map((of) => ({ of, to: "sum", mostTime })),
  },
];
