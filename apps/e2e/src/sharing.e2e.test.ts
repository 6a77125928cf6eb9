/** Ways to share, weights to begin with and rates of tensors: the same bits on every cluster, whatever the job. */
import { rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { tensorsOf } from "./tensors-of.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");

const task = {
  data: { csv: "table.csv", scale: "standard" },
  ...{ input: [4], encoder: [{ kind: "dense", units: 5, activation: "tanh" }] },
  ...{ decoder: [{ kind: "dense", units: 4 }], reconstruction: { loss: "mse" }, microBatch: 4, slots: 3 },
};
const layers = [{ kind: "dense", units: 4, activation: "relu" }];

function jobOf(more: object): string {
  const { tasks: _, ...rest } = smallJob() as Record<string, unknown>;
  return writeJob(folder, { ...rest, tasks: { one: task, two: task }, steps: 12, ...more });
}

async function hashOf(job: string, runId: string, flags: readonly string[], env = {}): Promise<string> {
  return (await finish(startTraining(runs, runId, [job, ...flags], { env }))).hash;
}

describe("a model that shares by", () => {
  test.each([
    ["private-shared", { trunk: layers, privateLatent: 2 }],
    ["mmoe", { experts: 2, expert: layers }],
    ["cgc", { experts: 1, ownExperts: 2, gate: layers }],
    ["cross-stitch", { column: layers }],
    ["film", { trunk: layers, embedding: 2 }],
    ["adapters", { trunk: layers, adapter: 2 }],
  ])(
    "%s has one hash for 1 worker, and for 3 with 2 shards and a combiner's products",
    async (kind, model) => {
      const job = jobOf({ model: { kind, latent: 3, ...model }, combiner: "upgrad" });
      const alone = await hashOf(job, `${kind}-1`, ["--workers", "1"]);
      const env = { LATENTWEAVE_PROGRAMS: "off" };
      expect(await hashOf(job, `${kind}-3`, ["--workers", "3", "--shards", "2"], env)).toBe(alone);
    },
  );
});

describe("a run that begins with another one's weights", () => {
  const start = { from: "runs/before", rename: { "one/": "new/" } };
  const rates = { "shared/*": 0, "new/encoder/*": 0.1 };
  const more = { tasks: { new: task }, model: { kind: "shared", latent: 3, trunk: layers } };

  test("has one hash on every cluster, keeps what is frozen, is proved, goes on and ends alike", async () => {
    const before = jobOf({ model: { kind: "shared", latent: 3, trunk: layers } });
    await hashOf(before, "before", ["--workers", "1"]);
    const job = jobOf({ ...more, start, rates, clipNorm: 0.5 });
    const alone = await hashOf(job, "new-1", ["--workers", "1"]);
    expect(await hashOf(job, "new-3", ["--workers", "3", "--shards", "2"])).toBe(alone);

    const parameters = (name: string): ReadonlyMap<string, Buffer> =>
      tensorsOf(path.join(runs, name, "checkpoints/step-00000012/parameters.safetensors"));
    const [old, now] = [parameters("before"), parameters("new-1")];
    for (const [name, bytes] of now)
      if (name.startsWith("shared/")) expect(old.get(name)?.equals(bytes)).toBe(true);
    expect(old.get("one/encoder/0/kernel")?.equals(now.get("new/encoder/0/kernel") as Buffer)).toBe(false);

    const proof = await run(["verify", "new-1", "--runs", runs, "--recompute", "0..11"], { cwd: folder });
    expect(proof.stdout).toContain("proved");

    rmSync(path.join(runs, "before"), { recursive: true });
    const half = startTraining(runs, "halves", [job, "--workers", "2"]);
    await expect(finish(half)).rejects.toThrow("there is no such run or file");
  });

  test("is refused where nothing of it fits", async () => {
    const before = jobOf({ model: { kind: "shared", latent: 3, trunk: layers } });
    await hashOf(before, "fitting", ["--workers", "1"]);
    const from = "runs/fitting";
    const wider = { kind: "shared", latent: 5, trunk: layers };
    const otherShape = await run(["train", jobOf({ model: wider, start: { from } }), "--runs", runs]);
    expect(otherShape.code).toBe(1);
    expect(otherShape.stderr).toContain('"one/decoder/0/kernel" has the shape [3, 4], but');
    const nothing = await run(["train", jobOf({ ...more, start: { from, only: ["x*"] } }), "--runs", runs]);
    expect(nothing.stderr).toContain("has no tensor that this model has");
    const rate = await run(["train", jobOf({ rates: { "trunk/*": 0 } }), "--runs", runs]);
    expect(rate.stderr).toContain('rates["trunk/*"]: fits no tensor of the model');
    const all = await run(["train", jobOf({ rates: { "*": 0 } }), "--runs", runs]);
    expect(all.stderr).toContain("nothing would be learned");
  });
});
