#!/usr/bin/env node
/**
 * On a machine with an NVIDIA GPU: are the bits the same there, and how fast is it beside PyTorch on that GPU?
 *
 *   npm run bench:gpu                          everything; tools/bench/results/gpu.json is written after every run
 *   npm run bench:gpu -- --quick               60 steps and one round
 *   npm run bench:gpu -- --only convolutional  one part of it: dense, convolutional, pooling, speed or profile
 *   npm run bench:gpu -- --python PATH         a Python with torch for CUDA and numpy; without one only ours is measured
 *   npm run bench:gpu -- --limit 20000         so many images of each set; --images FILE: where PyTorch reads them
 *
 * Bits: examples/digits-and-fashion, examples/convolutional and pooling.yaml, each with one worker process, with two, and
 * with two of which one is killed with SIGKILL in the middle of its push to two shards. All of them compute on the first
 * GPU, and all hashes of a job must agree. Speed and profile are of autoencoder.yaml; the texts of `latentweave profile`
 * go where the result goes. `--device cpu` tries the tool out without a GPU.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.mjs";
import { measureLatentweave } from "./measure-latentweave.mjs";
import { findImages, measurePyTorch } from "./measure-pytorch.mjs";
import { latentweave, root } from "./own-command.mjs";
import { profileLatentweave } from "./profile-latentweave.mjs";
import { mean, spread } from "./statistics.mjs";

const seed = "7";
const killStep = 0.2;
const warmup = 50;
const jobs = {
  dense: "examples/digits-and-fashion/job.ts",
  convolutional: "examples/convolutional/job.ts",
  pooling: "tools/bench/pooling.yaml",
};
const tasks = ["digits", "fashion"];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    steps: { type: "string" },
    rounds: { type: "string" },
    batches: { type: "string", default: "256,4096" },
    device: { type: "string", default: "0" },
    python: { type: "string" },
    images: { type: "string" },
    limit: { type: "string" },
    out: { type: "string", default: path.join(root, "tools/bench/results/gpu.json") },
  },
});
const { device } = values;
const steps = Number(values.steps ?? (values.quick ? 60 : 300));
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const onCpu = device === "cpu";
const result = { bits: {}, speed: [], profile: [] };
const batches = values.batches.split(",").map(Number);

const isWanted = (part) => values.only === undefined || values.only === part;

/** After every run, so that what was measured is there whatever ends this process. */
function keep() {
  mkdirSync(path.dirname(values.out), { recursive: true });
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
}

function limits(names) {
  return values.limit === undefined
    ? []
    : names.flatMap((task) => ["--set", `tasks.${task}.data.limit=${values.limit}`]);
}

async function train(job, workers, folder, note) {
  const startMs = performance.now();
  const name = `${note}-${workers}`;
  const hash = await latentweave([
    ...["train", job, "--workers", String(workers), "--device", device, ...limits(tasks)],
    ...["--steps", String(steps), "--seed", seed, "--set", "evaluate.everySteps=0"],
    ...["--run-id", name, "--runs", folder, "--dashboard", "off", "--quiet"],
  ]);
  return { workers, hash: hash.trim(), seconds: (performance.now() - startMs) / 1000 };
}

/** `latentweave chaos`: two workers undisturbed, then two of which one is killed in the middle of a push. */
async function killOne(job, folder, note) {
  const plan = path.join(path.dirname(folder), `${note}-plan.json`);
  const step = Math.round(steps * killStep);
  writeFileSync(plan, JSON.stringify([{ do: "kill", to: "worker-1", at: { step, moment: "mid-push" } }]));
  const run = `${note}-killed`;
  // A certificate that is not green is an exit code other than 0, and written all the same.
  const failure = await latentweave([
    ...["chaos", job, "--plan", plan, "--workers", "2", "--shards", "2", ...limits(tasks)],
    ...["--steps", String(steps), "--seed", seed, "--set", "evaluate.everySteps=0"],
    ...["--run-id", run, "--runs", folder, "--quiet"],
  ]).then(
    () => undefined,
    (error) => error,
  );
  const file = path.join(folder, `${run}.chaos`, "certificate.json");
  if (!existsSync(file)) throw failure ?? new Error("chaos wrote no certificate");
  const certificate = JSON.parse(readFileSync(file, "utf8"));
  const { green, undisturbed, disturbed, samples, faults, totals, problems } = certificate;
  return {
    green,
    undisturbed: undisturbed.hash,
    disturbed: disturbed.hash,
    samples,
    faults,
    totals,
    problems,
  };
}

/** A process of its own computes three steps of a run once more, from its record. @returns what it says of them */
async function recompute(run, folder) {
  const last = steps - 1;
  return latentweave([
    "verify",
    run,
    "--recompute",
    `${last - 2}..${last}`,
    "--runs",
    folder,
    "--quiet",
  ]).then(
    (text) => `recomputed by a third process: ${text.trim().split("\n").at(-1)}`,
    (error) => `not recomputed: ${error.message}`,
  );
}

async function measureBits(folder) {
  for (const [kind, file] of Object.entries(jobs)) {
    if (!isWanted(kind)) continue;
    const job = path.join(root, file);
    const bits = (result.bits[kind] = { job: file, steps, seed, limit: values.limit ?? null, runs: [] });
    for (const workers of [1, 2]) {
      const run = await train(job, workers, folder, kind);
      bits.runs.push(run);
      keep();
      console.log(`${kind}  ${workers} worker(s)  ${run.hash}  ${run.seconds.toFixed(1)} s`);
    }
    bits.killed = await killOne(job, folder, kind);
    const hashes = [...bits.runs.map(({ hash }) => hash), bits.killed.undisturbed, bits.killed.disturbed];
    bits.same = bits.killed.green && new Set(hashes).size === 1;
    keep();
    console.log(
      `${kind}  one of two killed  ${bits.killed.disturbed}  ${bits.same ? "same" : "NOT THE SAME"}`,
    );
    for (const problem of bits.killed.problems) console.log(`${kind}  ${problem}`);
    bits.recomputed = await recompute(`${kind}-2`, folder);
    keep();
    console.log(`${kind}  ${bits.recomputed}`);
  }
}

async function measureSpeed() {
  const images = values.python === undefined ? undefined : (values.images ?? (await findImages()));
  for (const batch of batches) {
    const shape = { workers: 1, warmup, steps, batch };
    const settings = limits(["digits"]);
    const torch = (variant) => () =>
      measurePyTorch({ ...shape, python: values.python, images, variant, device: onCpu ? "cpu" : "cuda" });
    const runs = [
      { name: "ours", measure: () => measureLatentweave({ ...shape, device, settings }) },
      ...(images === undefined ? [] : ["stock", "tuned"]).map((name) => ({ name, measure: torch(name) })),
    ];
    const entry = { batch, steps, warmup, rounds: [] };
    result.speed.push(entry);
    for (let round = 0; round < rounds; round++) {
      entry.rounds.push({});
      const turn = round % runs.length;
      for (const { name, measure } of [...runs.slice(turn), ...runs.slice(0, turn)]) {
        const measured = await measure();
        entry.rounds[round][name] = measured;
        keep();
        const rate = Math.round(measured.samplesPerSecond).toLocaleString("en-US");
        console.log(
          `batch ${batch}  round ${round + 1}  ${name.padEnd(5)}  ${rate} samples/s  ${measured.stepMs.toFixed(2)} ms a step`,
        );
      }
    }
    tell(entry);
  }
}

async function measureProfile() {
  const settings = limits(["digits"]);
  const texts = [];
  for (const batch of batches) {
    for (const placement of ["dedicated", "beside"]) {
      const { profile, text } = await profileLatentweave({ batch, steps, device, placement, settings });
      result.profile.push(profile);
      keep();
      texts.push(`batch ${batch}, placement ${placement}\n\n${text.trim()}\n`);
      writeFileSync(values.out.replace(/(\.json)?$/, "-profile.txt"), texts.join("\n\n"));
      console.log(texts.at(-1));
    }
  }
}

function tell({ batch, rounds: measured }) {
  for (const name of Object.keys(measured[0])) {
    const { median, worst, best } = spread(measured.map((round) => round[name].samplesPerSecond));
    const ratio = spread(
      measured.map(({ ours, [name]: theirs }) => ours.samplesPerSecond / theirs.samplesPerSecond),
    );
    const figures = [median, worst, best].map((value) => Math.round(value).toLocaleString("en-US"));
    console.log(
      `batch ${batch}  ${name}: median ${figures[0]} [${figures[1]} to ${figures[2]}] samples/s; ours / ${name} ${ratio.median.toFixed(3)}`,
    );
  }
  for (const side of ["worker", "server"]) {
    const phases = measured.map(({ ours }) => ours.phases[side]);
    const text = Object.keys(phases[0]).map(
      (name) => `${name} ${mean(phases.map((of) => of[name])).toFixed(2)}`,
    );
    console.log(`batch ${batch}  ours, ms a step, ${side}: ${text.join(", ")}`);
  }
}

async function main() {
  const doctor = JSON.parse(await latentweave(["doctor", "--json"]));
  const native = doctor.backends.find(({ name }) => name === "native");
  if (!onCpu && native?.determinismClass?.device !== "gpu")
    throw new Error(
      `TensorFlow uses no GPU here: ${[...doctor.problems.map(({ what }) => what), native?.reason ?? ""].join("; ")}`,
    );
  result.machine = await describeMachine(doctor);
  result.nvidia = doctor.nvidia;
  result.native = native;
  keep();
  console.log(JSON.stringify(native.determinismClass));
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-gpu-"));
  const runs = path.join(folder, "runs");
  try {
    await measureBits(runs);
    if (isWanted("speed")) await measureSpeed();
    if (isWanted("profile")) await measureProfile();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (Object.values(result.bits).some(({ same }) => !same)) throw new Error("the hashes are not the same");
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
