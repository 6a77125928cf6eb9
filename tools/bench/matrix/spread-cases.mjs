/** What two workers with a micro-batch each do, in other shapes: it must keep most of its lead over tuned DDP. */
import { fileURLToPath } from "node:url";
import { warmupSteps } from "../warm-up.mjs";
import { besideDdp, placements, standard as widths, twoWorkers } from "./ddp-rows.mjs";

const fourTasks = fileURLToPath(new URL("./four-tasks.yaml", import.meta.url));
const bar = { share: 0.85, case: twoWorkers };
const counted = { warmup: warmupSteps, steps: 100 };

export const spreadCases = [
  {
    name: "4-tasks",
    title: "2 workers, 4 tasks kept apart (PCGrad), all parameters shared",
    rows: [
      {
        ...{ name: "dedicated", side: "ours" },
        options: {
          ...{ job: fourTasks, tasks: ["one", "two", "three", "four"], workers: 2, slots: 2, batch: 64 },
          ...{ ...counted, settings: placements.dedicated },
        },
      },
      {
        ...{ name: "tuned", side: "pytorch" },
        options: { workers: 2, ...counted, widths, variant: "tuned", parts: 4 },
      },
      {
        ...{ name: "in one", side: "pytorch" },
        options: { workers: 2, ...counted, widths, variant: "tuned" },
      },
    ],
    ratios: [
      { of: "dedicated", to: "tuned", bar },
      { of: "dedicated", to: "in one" },
    ],
    sameHash: true,
  },
  besideDdp({
    ...{ name: "3-workers", title: "3 workers, 0.84 M parameters", workers: 3, steps: 100, bar },
    others: false,
  }),
  {
    name: "unequal",
    title: "2 workers, 7 micro-batches of 73: leases of 4 and of 3",
    rows: [
      {
        ...{ name: "ours", side: "ours" },
        options: { workers: 2, slots: 7, batch: 73, ...counted },
      },
      { name: "tuned", side: "pytorch", options: { workers: 2, ...counted, variant: "tuned" } },
    ],
    ratios: [{ of: "ours", to: "tuned", bar }],
  },
];
