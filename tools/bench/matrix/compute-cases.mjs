/** One worker's compute, one thread: forward, backward and readable gradients, beside PyTorch eager. */
import { fileURLToPath } from "node:url";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const autoencoder = { samples: 256, warmup: 30, steps: 200 };
const convolutional = { samples: 32, warmup: 50, steps: 400 };
const torch = { ...convolutional, model: "convolutional" };

export const computeCases = [
  {
    name: "compute",
    title: "compute of 256 samples, 0.84 M parameters",
    rows: [
      {
        ...{ name: "ours", side: "compute" },
        options: { ...autoencoder, job: file("../autoencoder.yaml"), task: "digits" },
      },
      { name: "eager", side: "pytorch-compute", options: { ...autoencoder, model: "autoencoder" } },
    ],
    ratios: [{ of: "ours", to: "eager", mostTime: 1.15 }],
  },
  {
    name: "compute-convolutional",
    title: "compute of 32 samples of a task of examples/convolutional",
    rows: [
      {
        ...{ name: "ours", side: "compute" },
        options: { ...convolutional, job: file("../../../examples/convolutional/job.ts"), task: "digits" },
      },
      { name: "eager", side: "pytorch-compute", options: torch },
      { name: "channels last", side: "pytorch-compute", options: { ...torch, channelsLast: true } },
    ],
    ratios: [
      { of: "ours", to: "eager", mostTime: 1.25 },
      { of: "ours", to: "channels last" },
    ],
  },
];
