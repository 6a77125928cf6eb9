/** What `npm run bench:matrix` measures: each case is rows that take turns, and ratios between them with their bars. */
import { fileURLToPath } from "node:url";

const tinyJob = fileURLToPath(new URL("./tiny.yaml", import.meta.url));

/** Widths of an autoencoder as settings of autoencoder.yaml. */
function widthSettings([, hidden, latent, back]) {
  return [
    ...[
      "--set",
      `tasks.digits.encoder[0].units=${hidden}`,
      "--set",
      `tasks.digits.encoder[1].units=${latent}`,
    ],
    ...["--set", `tasks.digits.decoder[0].units=${back}`],
  ];
}

const standard = [784, 512, 32, 512, 784];

/** Ours beside stock and tuned DDP with the same model, batch and cores; the bar is on the ratio to tuned. */
function besideDdp({
  name,
  title,
  bar,
  workers,
  widths = standard,
  warmup = 30,
  steps = 150,
  ours = {},
  ...more
}) {
  const shared = { workers, warmup, steps, ...more };
  return {
    name,
    title,
    rows: [
      { name: "ours", side: "ours", options: { ...shared, settings: widthSettings(widths), ...ours } },
      { name: "stock", side: "pytorch", options: { ...shared, widths, variant: "stock" } },
      { name: "tuned", side: "pytorch", options: { ...shared, widths, variant: "tuned" } },
    ],
    ratios: [
      { of: "ours", to: "tuned", bar },
      { of: "ours", to: "stock" },
    ],
  };
}

const large = { widths: [784, 4096, 2488, 4096, 784], warmup: 3, steps: 15 };

/** Everything at its plainest: through WebSockets, one shard in a process of its own, no compiled kernels. */
const plainPath = {
  settings: ["--shards", "1", "--placement", "dedicated"],
  env: { LATENTWEAVE_SHARED_MEMORY: "off", LATENTWEAVE_KERNELS: "off" },
};

export const cases = [
  besideDdp({ name: "0.84m", title: "2 workers, 0.84 M parameters", bar: 1.4, workers: 2 }),
  besideDdp({
    ...{ name: "3.3m", title: "2 workers, 3.3 M parameters", bar: 1.25, workers: 2 },
    ...{ widths: [784, 2048, 32, 2048, 784], warmup: 10, steps: 60 },
  }),
  besideDdp({ name: "26.8m", title: "2 workers, 26.8 M parameters", bar: 1.4, workers: 2, ...large }),
  besideDdp({ name: "4-workers", title: "4 workers, 0.84 M parameters", bar: 1.4, workers: 4, steps: 100 }),
  besideDdp({ name: "3-workers", title: "3 workers, 0.84 M parameters", workers: 3, steps: 100 }),
  {
    name: "unequal",
    title: "2 workers, 3 micro-batches: leases of one and of two",
    rows: [
      { name: "ours", side: "ours", options: { workers: 2, slots: 3, warmup: 30, steps: 100 } },
      { name: "tuned", side: "pytorch", options: { workers: 2, warmup: 30, steps: 100, variant: "tuned" } },
    ],
    ratios: [{ of: "ours", to: "tuned" }],
  },
  besideDdp({
    ...{ name: "tiny", title: "4 workers, about 1,000 parameters: committed steps", bar: 2, workers: 4 },
    ...{ widths: [4, 110, 4], batch: 16, warmup: 200, steps: 2000, ours: { job: tinyJob, settings: [] } },
  }),
  {
    name: "checkpoints",
    title: "26.8 M parameters, a checkpoint every 10 steps and none",
    rows: [
      {
        ...{ name: "with", side: "ours" },
        options: {
          ...{ workers: 2, warmup: large.warmup, steps: 30 },
          settings: [...widthSettings(large.widths), "--set", "checkpoints.everySteps=10"],
        },
      },
      {
        ...{ name: "without", side: "ours" },
        options: { workers: 2, warmup: large.warmup, steps: 30, settings: widthSettings(large.widths) },
      },
    ],
    ratios: [{ of: "with", to: "without", bar: 0.95 }],
    sameHash: true,
  },
  {
    name: "plain-path",
    title: "the fast path and the plainest one: the same bits",
    rows: [
      { name: "fast", side: "ours", options: { workers: 2, warmup: 30, steps: 100 } },
      {
        ...{ name: "beside", side: "ours" },
        options: { workers: 2, warmup: 30, steps: 100, settings: ["--placement", "beside"] },
      },
      { name: "plain", side: "ours", options: { workers: 2, warmup: 30, steps: 100, ...plainPath } },
    ],
    ratios: [{ of: "fast", to: "plain" }],
    sameHash: true,
  },
];
