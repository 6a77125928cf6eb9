/** Codes that are moving averages: what the paper says, to float32's last places, and the same bits on every cluster. */
import path from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tensorsOf } from "./tensors-of.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const [codes, width, decay] = [4, 2, 0.8];
const latent = { kind: "vectorQuantised", codes, width, movingAverage: { decay } };

async function hashOf(job: string, runId: string, flags: readonly string[], env = {}): Promise<string> {
  return (await finish(startTraining(runs, runId, [job, ...flags], { env }))).hash;
}

interface Averages {
  readonly sums: readonly number[];
  readonly counts: readonly number[];
}

function averagesAt(runId: string, step: number): Averages {
  const file = `checkpoints/step-${String(step).padStart(8, "0")}/parameters.safetensors`;
  const tensors = tensorsOf(path.join(runs, runId, file));
  const read = (name: string): number[] => {
    const bytes = tensors.get(`table/codebook/${name}`);
    if (!bytes) throw new Error(`the checkpoint has no ${name}`);
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  };
  return { sums: read("sums"), counts: read("counts") };
}

/** One step of the paper's appendix A.1 in float64. */
function next({ sums, counts }: Averages, vectors: readonly (readonly number[])[]): Averages {
  const total = counts.reduce((sum, n) => sum + n, 0);
  const of = (k: number): number => ((counts[k] as number) + 1e-5) * (total / (total + codes * 1e-5));
  const moved = { sums: sums.map((s) => decay * s), counts: counts.map((n) => decay * n) };
  for (const vector of vectors) {
    const far = counts.map((_, k) =>
      vector.reduce((sum, x, i) => sum + (x - (sums[k * width + i] as number) / of(k)) ** 2, 0),
    );
    const k = far.indexOf(Math.min(...far));
    moved.counts[k] = (moved.counts[k] as number) + (1 - decay);
    for (const [i, x] of vector.entries())
      moved.sums[k * width + i] = (moved.sums[k * width + i] as number) + (1 - decay) * x;
  }
  return moved;
}

test("each step averages the sums over all of its micro-batches, once", async () => {
  // What is quantised are the rows themselves, and a step sees each of the 40 once.
  const task = {
    data: { csv: "table.csv", split: { test: 0 } },
    encoder: [{ kind: "reshape", shape: [4] }],
    ...{ latent, microBatch: 10, slots: 4 },
  };
  // Neither clipping nor a weight, nor a schedule, is about averages.
  const job = writeJob(folder, {
    ...smallJob({ model: { kind: "private" }, steps: 8, task: { ...task, weight: 3 } }),
    ...{ checkpoints: { everySteps: 1, keep: 20 }, clipNorm: 0.01, schedule: { kind: "cosine" } },
  });
  await hashOf(job, "exact", ["--workers", "2", "--shards", "2"]);
  const rows = Array.from({ length: 40 }, (_, i) => [i, i * 0.5, 40 - i, (i * 7) % 11]);
  const vectors = rows.flatMap((row) => [row.slice(0, 2), row.slice(2)]);
  let expected = averagesAt("exact", 1);
  for (let step = 2; step <= 8; step += 1) expected = next(expected, vectors);
  const found = averagesAt("exact", 8);
  for (const part of ["sums", "counts"] as const)
    for (const [i, value] of expected[part].entries())
      expect(Math.abs((found[part][i] as number) - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  // It has gone somewhere, and more than one code is chosen.
  expect(averagesAt("exact", 1).counts).not.toEqual(found.counts);
  expect(found.counts.filter((count) => count > 5).length).toBeGreaterThan(1);
});

test("shared codes have one hash for 1 worker and for 3 with 2 shards, one operation after the other; the record proves it", async () => {
  const { tasks, ...rest } = smallJob({ steps: 12, task: { slots: 4 } }) as { tasks: { table: object } };
  const job = writeJob(folder, {
    ...rest,
    ...{ tasks: { one: tasks.table, two: { ...tasks.table, weight: 2 } }, combiner: "upgrad", clipNorm: 1 },
    model: { kind: "shared", trunk: [{ kind: "dense", units: 4 }], latent },
  });
  const alone = await hashOf(job, "one", ["--workers", "1"]);
  const env = { LATENTWEAVE_PROGRAMS: "off" };
  expect(await hashOf(job, "three", ["--workers", "3", "--shards", "2"], env)).toBe(alone);
  const proof = await run(["verify", "three", "--runs", runs, "--recompute", "0..11"]);
  expect(proof.stderr + proof.stdout).toContain("proved");
});

test("a decay that is none, and what rounds the sums, are refused", async () => {
  const train = async (more: object, own: object): Promise<string> => {
    const job = writeJob(folder, smallJob({ model: { kind: "private" }, task: { latent: own }, ...more }));
    return (await run(["train", job, "--runs", runs])).stderr;
  };
  const wrong = { ...latent, movingAverage: { decay: 1 } };
  expect(await train({}, wrong)).toMatch(/tasks\.table\.latent\.movingAverage\.decay: got 1[^]*below 1/);
  expect(await train({ compression: { push: { codec: "bf16" } } }, latent)).toContain(
    "tasks.table.latent.movingAverage: is set, besides a compression",
  );
});
