/** Ω over real processes: one hash on any cluster, proved from the record, and what was learned to be seen. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");

/** Linear tasks of one table each: the second is the first's double, the third its opposite. */
const slopes = { first: 1, double: 2, opposite: -1 };

function writeTasks(): void {
  mkdirSync(folder, { recursive: true });
  for (const [task, slope] of Object.entries(slopes)) {
    const rows = Array.from({ length: 48 }, (_, i) => {
      const [a, b, c] = [((i * 7) % 13) - 6, ((i * 5) % 11) - 5, ((i * 3) % 7) - 3];
      return [a / 6, b / 6, c / 6, (slope * (a - 2 * b + c)) / 6].join(",");
    });
    writeFileSync(path.join(folder, `${task}.csv`), ["a,b,c,y", ...rows].join("\n"));
  }
}

function writeJob(name: string, regulariser: object, optimiser: object): string {
  const tasks = Object.keys(slopes).map((task) => [
    task,
    {
      data: { csv: `${task}.csv`, target: "y", targetKind: "number" },
      reconstruction: false,
      heads: { score: { kind: "regression" } },
      microBatch: 8,
      slots: 3,
    },
  ]);
  const job = {
    ...{ name, tasks: Object.fromEntries(tasks) as object, steps: 60, optimiser },
    regulariser: { on: "heads", ...regulariser },
    evaluate: { everySteps: 0 },
    checkpoints: { everySteps: 10, keep: 5 },
  };
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(job));
  return file;
}

const hashOf = async (runId: string, job: string, workers: number, shards: number): Promise<string> => {
  const flags = [job, "--workers", String(workers), "--shards", String(shards), "--dashboard", "off"];
  return (await finish(startTraining(runs, runId, flags))).hash;
};

beforeAll(writeTasks);

describe("three tasks that are related", () => {
  test("mtrl: 1 worker, and 3 with 2 shards; recomputed from between two refreshes; Ω as it is", async () => {
    const optimiser = { kind: "adam", learningRate: 0.1 };
    const job = writeJob("mtrl", { omega: "mtrl", lambda: 0.001, everySteps: 4 }, optimiser);
    const hash = await hashOf("mtrl-1", job, 1, 1);
    expect(await hashOf("mtrl-3", job, 3, 2)).toBe(hash);
    // Checkpoints are of steps divisible by 10, refreshes of those divisible by 4.
    const proof = await run(["verify", "mtrl-3", "--recompute", "30..59", "--runs", runs]);
    expect(proof.code, proof.stderr).toBe(0);
    const { stdout } = await run(["inspect", "mtrl-3", "--runs", runs, "--json"]);
    const { relations } = JSON.parse(stdout) as {
      relations: { family: string; tasks: string[]; matrix: number[][]; correlation: number[][] }[];
    };
    expect(relations).toHaveLength(1);
    const [{ family, tasks, matrix, correlation }] = relations as [(typeof relations)[number]];
    expect([family, tasks]).toEqual(["head/score", Object.keys(slopes)]);
    expect(matrix.reduce((trace, row, i) => trace + (row[i] ?? 0), 0)).toBeCloseTo(1, 5);
    expect(correlation[0]?.[1]).toBeGreaterThan(0.5);
    expect(correlation[0]?.[2]).toBeLessThan(-0.5);
    expect((await run(["inspect", "mtrl-3", "--runs", runs])).stdout).toContain(
      "learned by mtrl about head/score",
    );
  });

  test("trace: the same bits, and a threshold above every singular value leaves nothing", async () => {
    const optimiser = { kind: "momentum", learningRate: 0.05, momentum: 0.5 };
    const job = writeJob("trace", { omega: "trace", lambda: 0.2 }, optimiser);
    const hash = await hashOf("trace-1", job, 1, 1);
    expect(await hashOf("trace-2", job, 2, 2)).toBe(hash);
    const all = writeJob("nothing", { omega: "trace", lambda: 1000 }, optimiser);
    await hashOf("nothing", all, 1, 1);
    const { stdout } = await run(["inspect", "nothing", "--runs", runs, "--json"]);
    const { tensors } = JSON.parse(stdout) as { tensors: { norm: number }[] };
    expect(tensors.map(({ norm }) => norm)).toEqual(tensors.map(() => 0));
  });
});
