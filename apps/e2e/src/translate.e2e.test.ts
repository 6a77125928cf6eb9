/** One task's samples through another one's decoder, against the run's own latents and weights. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Finished, run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tensorsOf } from "./tensors-of.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const layers = [{ kind: "dense", units: 4, activation: "relu" }];

/** All rows are training rows, so that what is translated is the whole of a file. */
const task = (csv: string): object => ({
  data: { csv, scale: "standard", split: { test: 0 } },
  ...{ input: [4], encoder: [{ kind: "dense", units: 5, activation: "tanh" }] },
  ...{ decoder: [{ kind: "dense", units: 4 }], reconstruction: { loss: "mse" }, microBatch: 4, slots: 3 },
});

async function train(runId: string, model: object): Promise<void> {
  const { tasks: _, ...rest } = smallJob() as Record<string, unknown>;
  const tasks = { one: task("table.csv"), two: task("other.csv") };
  const job = writeJob(folder, { ...rest, tasks, model, steps: 12 });
  writeFileSync(path.join(folder, "other.csv"), otherTable());
  await finish(startTraining(runs, runId, [job, "--workers", "1"]));
}

/** The same 40 things seen otherwise: a mixture of the columns of the small table. */
function otherTable(): string {
  const rows = Array.from({ length: 40 }, (_, i) =>
    [2 * i, 40 - 0.5 * i, ((i * 7) % 11) - i, i * 0.1].join(","),
  );
  return ["p,q,r,s", ...rows].join("\n");
}

const cli = (...args: readonly string[]): Promise<Finished> =>
  run([...args, "--runs", runs], { cwd: folder });

async function rowsOf(file: string, ...args: readonly string[]): Promise<number[][]> {
  const { code, stderr } = await cli(...args, "-o", path.join(folder, file));
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
  const [, ...lines] = readFileSync(path.join(folder, file), "utf8").trim().split("\n");
  return lines.map((line) => line.split(",").map(Number));
}

/** Prepared rows come in another order than the file's. */
const inOrder = (rows: readonly (readonly number[])[]): (readonly number[])[] =>
  [...rows].sort((a, b) => (a[0] as number) - (b[0] as number));

function expectSameRows(rows: readonly number[][], expected: readonly number[][]): void {
  expect(rows).toHaveLength(expected.length);
  const wanted = inOrder(expected);
  for (const [row, numbers] of inOrder(rows).entries())
    for (const [at, value] of numbers.entries()) expect(value).toBeCloseTo(wanted[row]?.[at] as number, 4);
}

/** What the second task's decoder, of one dense layer, makes of latents. */
function decoded(runId: string, latents: readonly number[][]): number[][] {
  const tensors = tensorsOf(path.join(runs, runId, "checkpoints/step-00000012/parameters.safetensors"));
  const numbersOf = (name: string): number[] => {
    const bytes = tensors.get(name) as Buffer;
    return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
  };
  const [kernel, bias] = [numbersOf("two/decoder/0/kernel"), numbersOf("two/decoder/0/bias")];
  return latents.map((latent) =>
    bias.map((start, unit) =>
      latent.reduce((sum, value, at) => sum + value * (kernel[at * bias.length + unit] as number), start),
    ),
  );
}

const translate = ["--from", "one", "--to", "two"];
const encoded = (runId: string, name: string, csv: string): Promise<number[][]> =>
  rowsOf("latents.csv", "encode", runId, csv, "--task", name);

describe("a translation", () => {
  test.each([
    ["shared", { latent: 3, trunk: layers }],
    ["cgc", { latent: 3, experts: 1, ownExperts: 2 }],
    ["film", { latent: 3, trunk: layers, embedding: 2 }],
  ])("in a model of the kind %s is the target's decoder on the source's latents", async (kind, model) => {
    await train(kind, { kind, ...model });
    const latents = await encoded(kind, "one", "table.csv");
    expectSameRows(await rowsOf("out.csv", "translate", kind, ...translate), decoded(kind, latents));
  });

  test("beside private latents has the target's mean one in the source's place", async () => {
    await train("private-shared", { kind: "private-shared", latent: 3, privateLatent: 2, trunk: layers });
    const own = await encoded("private-shared", "two", "other.csv");
    const means = [3, 4].map((at) => own.reduce((sum, row) => sum + (row[at] as number) / own.length, 0));
    const latents = await encoded("private-shared", "one", "table.csv");
    const entering = latents.map((row) => [...row.slice(0, 3), ...means]);
    expectSameRows(
      await rowsOf("out.csv", "translate", "private-shared", ...translate),
      decoded("private-shared", entering),
    );
  });

  test("of paired rows tells its error, that of the mean, and that of a map that there is", async () => {
    const { stdout } = await cli(
      "translate",
      "shared",
      ...translate,
      "--paired",
      "--samples",
      "17",
      "--json",
    );
    const { samples, errors, shape } = JSON.parse(stdout) as {
      samples: number;
      shape: number[];
      errors: Record<"translation" | "mean" | "leastSquares" | "reconstruction", number>;
    };
    expect([samples, shape]).toEqual([17, [4]]);
    // All of both tables are affine in i and (7i mod 11), scaled by their standard deviations.
    expect(errors.leastSquares).toBeLessThan(1e-3);
    expect(errors.mean).toBeGreaterThan(0.3);
    for (const error of [errors.translation, errors.reconstruction]) expect(error).toBeGreaterThan(0);
  });
});

describe("a translation is refused", () => {
  // After the tests above, whose run of a shared model is refused other things.
  beforeAll(async () => {
    await train("apart", { kind: "private" });
    await train("stitched", { kind: "cross-stitch", latent: 3 });
  });

  test.each([
    ["apart", translate, 'its model is of the kind "private", in which each task has a latent of its own', 1],
    ["stitched", translate, "a latent of its own (that of its column)", 1],
    ["shared", ["--from", "one", "--to", "tow"], 'did you mean "two"?', 2],
    ["shared", ["--from", "one", "--to", "one"], "which is its reconstruction", 2],
    ["shared", [...translate, "--png", "out.png"], 'samples of the task "one" are no images', 1],
    ["shared", [...translate, "-o", "out.txt"], 'samples cannot be written as ".txt"', 2],
    ["shared", [...translate, "--split", "validation"], "the data have no validation rows", 1],
  ] as const)("of %s with %j", async (runId, flags, message, code) => {
    const refused = await cli("translate", runId, ...flags);
    expect(refused.stderr).toContain(message);
    expect(refused.code).toBe(code);
  });

  test("as pairs where the tasks have other numbers of rows", async () => {
    const { tasks: _, ...rest } = smallJob() as Record<string, unknown>;
    const other = { ...task("other.csv"), data: { csv: "other.csv", split: { test: 0 }, limit: 30 } };
    const job = writeJob(folder, {
      ...{ ...rest, tasks: { one: task("table.csv"), two: other }, steps: 2 },
      model: { kind: "shared", latent: 3 },
    });
    await finish(startTraining(runs, "uneven", [job, "--workers", "1"]));
    const refused = await cli("translate", "uneven", ...translate, "--paired");
    expect(refused.stderr).toContain('"one" has 40 train rows, and "two" has 30');
  });
});
