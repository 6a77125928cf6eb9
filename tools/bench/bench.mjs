#!/usr/bin/env node
/**
 * Measures training speed and memory, against PyTorch DDP on the same machine, and writes docs/benchmarks.md.
 *
 *   npm run bench                      everything; docs/benchmarks.md and tools/bench/results/latest.json are written
 *   npm run bench -- --quick           two rounds after a short warm-up, nothing written
 *   npm run bench -- --memory          only: does memory grow with steps?
 *   npm run bench -- --no-pytorch      without the comparison
 *   npm run bench -- --python PATH     a Python that has torch and numpy, in place of one made in the cache
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { coresInUse, describeMachine, isBusy as isMachineBusy } from "./machine.mjs";
import { batch, measureLatentweave } from "./measure-latentweave.mjs";
import { findImages, measurePyTorch } from "./measure-pytorch.mjs";
import { measureMemoryGrowth } from "./memory-growth.mjs";
import { setUpPyTorch } from "./pytorch-setup.mjs";
import { growthText, kernelTable, memoryTable, page, phaseTable, speedTable } from "./report.mjs";
import { measureServerKernels } from "./server-kernels.mjs";
import { pyTorchWarmup, warmupSteps } from "./warm-up.mjs";
import { writeFormatted } from "./write-formatted.mjs";

const parameters = 837_424;

const whole = (text, name) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} takes a whole number of 1 or more`);
  return value;
};

async function main() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      memory: { type: "boolean", default: false },
      rounds: { type: "string" },
      steps: { type: "string" },
      workers: { type: "string", default: "1,2" },
      python: { type: "string" },
      "no-pytorch": { type: "boolean", default: false },
    },
  });
  const inUse = await coresInUse();
  const isBusy = isMachineBusy(inUse);
  if (isBusy)
    console.log(
      `other programs use ${inUse.toFixed(1)} of ${os.availableParallelism()} cores: these figures will not mean much`,
    );
  if (values.memory) {
    const steps = whole(values.steps ?? "40000", "steps");
    console.log(growthText(await measureMemoryGrowth({ steps })));
    return;
  }
  const rounds = whole(values.rounds ?? (values.quick ? "2" : "5"), "rounds");
  const steps = whole(values.steps ?? "300", "steps");
  const warmup = values.quick ? steps : warmupSteps;
  const workerCounts = values.workers.split(",").map((text) => whole(text, "workers"));
  const torch = values["no-pytorch"]
    ? { missing: "it was not wanted" }
    : await setUpPyTorch({ asked: values.python, log: console.log });
  if (torch.missing !== undefined) console.log(`without PyTorch: ${torch.missing}`);
  else console.log(`PyTorch ${torch.torch}`);

  const machine = await describeMachine();
  const speed = await measureSpeed({ rounds, warmup, steps, workerCounts, torch });
  requireSameBits(speed);
  const kernels = await measureServerKernels();
  const growth = values.quick ? undefined : await measureMemoryGrowth();
  for (const text of [speedTable(speed), phaseTable(speed), memoryTable(speed), kernelTable(kernels)])
    console.log(`\n${text}`);
  if (growth) console.log(`\n${growthText(growth)}`);
  if (values.quick) return;

  const result = {
    ...{ machine, inUse, isBusy, torch: torch.torch ?? null, warmup, steps, batch, parameters },
    ...{ speed, kernels, growth },
  };
  await writeFormatted("tools/bench/results/latest.json", JSON.stringify(result));
  await writeFormatted("docs/benchmarks.md", page(result));
}

/** Rounds repeat one run: what it learned must be the same to the bit, or there is something worse than slowness. */
function requireSameBits(speed) {
  for (const { workers, rounds } of speed) {
    const hashes = new Set(rounds.map(({ ours }) => ours.hash));
    if (hashes.size > 1)
      throw new Error(`${workers} workers ended with different parameters: ${[...hashes].join(", ")}`);
  }
}

/** @returns {Promise<{ workers: number, rounds: object[] }[]>} for each number of workers, the rounds in order */
async function measureSpeed({ rounds, warmup, steps, workerCounts, torch }) {
  console.log("preparing the data ...");
  const images = torch.python === undefined ? undefined : await findImages();
  await measureLatentweave({ workers: 1, warmup: 1, steps: 2 });
  const runs = workerCounts.flatMap((workers) => [
    { workers, name: "ours", measure: () => measureLatentweave({ workers, warmup, steps }) },
    ...(torch.python === undefined ? [] : ["stock", "tuned"]).map((name) => ({
      ...{ workers, name },
      measure: () =>
        measurePyTorch({
          ...{ python: torch.python, images, workers, variant: name, batch },
          ...{ warmup: pyTorchWarmup(warmup), steps },
        }),
    })),
  ]);
  console.log(`${rounds} rounds of ${runs.length} runs of ${steps} steps each, after ${warmup}`);
  const speed = workerCounts.map((workers) => ({
    workers,
    rounds: Array.from({ length: rounds }, () => ({})),
  }));
  for (let round = 0; round < rounds; round++) {
    // Turned, so that nobody always comes first after a pause or last when the machine is warm.
    const turn = round % runs.length;
    for (const { workers, name, measure } of [...runs.slice(turn), ...runs.slice(0, turn)]) {
      const measured = await measure();
      speed.find((entry) => entry.workers === workers).rounds[round][name] = measured;
      const rate = Math.round(measured.samplesPerSecond).toLocaleString("en-US");
      console.log(
        `round ${round + 1}  ${workers} × ${name.padEnd(5)}  ${rate} samples/s  ${measured.stepMs.toFixed(1)} ms a step  loss ${measured.loss.toFixed(4)}`,
      );
    }
  }
  return speed;
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
