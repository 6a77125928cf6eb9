/**
 * What `npm run bench:matrix` measures: each case is rows that take turns, and ratios between them with their bars.
 *
 * A ratio is of how much is done in a second. Its bar is `bar`, the least; or `mostTime`, the most of the time; or
 * `bar: { share, of, case }`, a share of what was kept of another case's first ratio.
 */
import { smallWarmupSteps } from "../warm-up.mjs";
import { combinerCases } from "./combiner-cases.mjs";
import { computeCases } from "./compute-cases.mjs";
import { besideDdp, large, medium, placements, twoWorkers, widthSettings } from "./ddp-rows.mjs";
import { exchangeCases } from "./exchange-cases.mjs";
import { hostAggregationText, judgedHostAggregation, measureHostAggregation } from "./host-aggregation.mjs";
import { judgedPrediction, measurePrediction, predictionPictures, predictionText } from "./prediction.mjs";
import { judgedMemory, measureServerMemory, memoryText } from "./server-memory.mjs";
import { scalingCases } from "./scaling.mjs";
import { judgedSimulated, measureSimulated, simulatedText } from "./simulated.mjs";
import { spreadCases } from "./spread-cases.mjs";

/** Everything at its plainest: through WebSockets, one shard in a process of its own, no addon to compute with. */
const plainPath = {
  settings: ["--shards", "1", ...placements.dedicated],
  env: {
    ...{ LATENTWEAVE_SHARED_MEMORY: "off", LATENTWEAVE_KERNELS: "off" },
    ...{ LATENTWEAVE_PROGRAMS: "off" },
  },
};

/** Of the first checkpoints everything is new: their memory, and the pages of their files. */
const checkpointed = { warmup: 50, steps: 30 };

export const cases = [
  ...computeCases,
  besideDdp({
    name: twoWorkers,
    title: "2 workers, 0.84 M parameters",
    bar: 1.4,
    workers: 2,
    allReduce: true,
  }),
  besideDdp({
    ...{ name: "3.3m", title: "2 workers, 3.3 M parameters", bar: 1.25, workers: 2 },
    ...medium,
  }),
  besideDdp({
    name: "26.8m",
    title: "2 workers, 26.8 M parameters",
    judged: "beside",
    bar: 1.4,
    workers: 2,
    allReduce: true,
    ...large,
  }),
  besideDdp({
    name: "4-workers",
    title: "4 workers, 0.84 M parameters",
    bar: 1.4,
    workers: 4,
    warmup: 1000,
    steps: 100,
  }),
  ...exchangeCases,
  besideDdp({
    ...{ name: "tiny", title: "4 workers, about 1,000 parameters: committed steps", bar: 2, workers: 4 },
    ...{ widths: [4, 110, 4], batch: 16, warmup: smallWarmupSteps, steps: 1500 },
    ours: { job: new URL("./tiny.yaml", import.meta.url).pathname, settings: [] },
  }),
  {
    ...{ name: "server-memory", title: "a parameter server's memory" },
    ...{ measure: measureServerMemory, judged: judgedMemory, text: memoryText },
  },
  {
    name: "checkpoints",
    title: "26.8 M parameters, a checkpoint every 10 steps and none",
    rows: [
      {
        ...{ name: "with", side: "ours" },
        options: {
          ...{ workers: 2, ...checkpointed },
          settings: [
            ...widthSettings(large.widths),
            ...placements.dedicated,
            ...["--set", "checkpoints.everySteps=10"],
          ],
        },
      },
      {
        ...{ name: "without", side: "ours" },
        options: {
          ...{ workers: 2, ...checkpointed },
          settings: [...widthSettings(large.widths), ...placements.dedicated],
        },
      },
    ],
    ratios: [{ of: "with", to: "without", mostTime: 1.05 }],
    sameHash: true,
  },
  {
    name: "plain-path",
    title: "the fast path and the plainest one: the same bits",
    rows: [
      { name: "fast", side: "ours", options: { workers: 2, warmup: 30, steps: 100 } },
      {
        ...{ name: "beside", side: "ours" },
        options: { workers: 2, warmup: 30, steps: 100, settings: placements.beside },
      },
      { name: "plain", side: "ours", options: { workers: 2, warmup: 30, steps: 100, ...plainPath } },
    ],
    ratios: [{ of: "fast", to: "plain" }],
    sameHash: true,
  },
  ...spreadCases,
  ...combinerCases,
  ...scalingCases,
  {
    name: "host-aggregation",
    title: "4 workers of one host, 0.84 M parameters, the parameter server behind 1 Gbit/s",
    ...{ measure: measureHostAggregation, judged: judgedHostAggregation, text: hostAggregationText },
  },
  {
    ...{ name: "prediction", title: "a step predicted from its parts" },
    ...{ measure: measurePrediction, judged: judgedPrediction, text: predictionText },
    pictures: predictionPictures,
  },
  {
    ...{ name: "simulated", title: "simulated clusters, 0.84 M parameters" },
    ...{ measure: measureSimulated, judged: judgedSimulated, text: simulatedText },
  },
];
