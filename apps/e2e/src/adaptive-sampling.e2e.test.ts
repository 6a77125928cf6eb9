/** Sampling that follows losses, over real processes: the same rows for every cluster, and for whoever computes again. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { recordedSamples } from "./recorded.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, finish, startTraining, workerProcess } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const jobFile = path.join(folder, "job.json");

/** One task is learned at once, the other takes its time. */
beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  const rowsOf = (count: number, number: (row: number, column: number) => number): string[] =>
    Array.from({ length: count }, (_, row) => [0, 1, 2, 3].map((column) => number(row, column)).join(","));
  const easy = rowsOf(160, (row, column) => (column === 0 ? 1 : 0) + ((row * 7 + column) % 5) / 500);
  const hard = rowsOf(480, (row, column) => Math.sin(row * (column + 1) * 1.7));
  for (const [name, rows] of Object.entries({ easy, hard }))
    writeFileSync(path.join(folder, `${name}.csv`), ["a,b,c,d", ...rows].join("\n"));
  const task = (name: string): object => ({
    data: { csv: `${name}.csv`, split: { validation: 0.2, test: 0.1 } },
    ...{ input: [4], encoder: [{ kind: "dense", units: 3, activation: "tanh" }] },
    ...{ decoder: [{ kind: "dense", units: 4 }], reconstruction: { loss: "mse" }, microBatch: 16 },
  });
  const job = {
    ...{ name: "adaptive", tasks: { easy: task("easy"), hard: task("hard") }, steps: 60 },
    sampling: { strategy: "adaptive", samples: 64, limit: 3 },
    model: { kind: "shared", latent: 2 },
    optimiser: { kind: "adam", learningRate: 0.02 },
    evaluate: { everySteps: 10, split: "validation" },
    checkpoints: { everySteps: 25, keep: 3 },
  };
  writeFileSync(jobFile, JSON.stringify(job));
});

describe("a job whose sampling follows losses", () => {
  test("gives the slower task more, the same on every cluster, after a kill and an interruption; proved from the record", async () => {
    const flags = [jobFile, "--dashboard", "off"];
    const { hash } = await finish(startTraining(runs, "one", [...flags, "--workers", "1"]));
    const { easy = [], hard = [] } = recordedSamples(path.join(runs, "one"));
    expect(easy.length).toBe(60);
    expect(easy.at(-1)).toBeLessThan(easy[0] ?? 0);
    expect(hard.at(-1)).toBeGreaterThan(hard[0] ?? 0);

    const three = startTraining(runs, "three", [...flags, "--workers", "3", "--shards", "2"]);
    await committed(three, 15);
    process.kill(await workerProcess(three, "worker-1"), "SIGKILL");
    expect((await finish(three)).hash).toBe(hash);

    const half = startTraining(runs, "half", [...flags, "--workers", "2"]);
    await committed(half, 35);
    half.signal("SIGINT");
    await half.ended;
    expect((await finish(startTraining(runs, "half", [...flags, "--workers", "2", "--resume"]))).hash).toBe(
      hash,
    );
    expect(recordedSamples(path.join(runs, "half"))).toEqual({ easy, hard });

    const proof = await run(["verify", "half", "--recompute", "0..60", "--runs", runs], { cwd: folder });
    expect(proof.stdout, proof.stderr).toContain("proved");
    const compared = await run(["compare", "a=one", "b=three", "--runs", runs, "--json"], { cwd: folder });
    const { sides } = JSON.parse(compared.stdout) as {
      sides: { trainedSamples: Record<string, number[]> }[];
    };
    const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
    for (const { trainedSamples } of sides)
      expect(trainedSamples).toEqual({ easy: [sum(easy)], hard: [sum(hard)] });
  });
});

describe("adaptive sampling without rows to go by", () => {
  test("is refused, and the message says what to add", async () => {
    const job = JSON.parse(readFileSync(jobFile, "utf8")) as {
      tasks: Record<string, { data: { split: { validation?: number } } }>;
    };
    delete job.tasks.hard?.data.split.validation;
    const file = path.join(folder, "no-validation.json");
    writeFileSync(file, JSON.stringify(job));
    const { code, stderr } = await run(["train", file, "--runs", runs, "--dashboard", "off"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("has no validation rows, and adaptive sampling goes by them");
    expect(stderr).toContain("split: { validation: 0.1 }");
  });
});
