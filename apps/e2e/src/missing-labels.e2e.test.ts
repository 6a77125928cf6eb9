/** Every kind of head with labels that are missing, and samples dealt by rows: one hash, a record that proves it, figures. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { run } from "./command.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const job = path.join(folder, "job.json");

const dense = (units: number) => ({ kind: "dense", units });

/** Numbers that are spread, and cells that are empty where `missing` says so. */
function table(name: string, header: string, rows: number, cells: (row: number) => readonly unknown[]): void {
  const lines = Array.from({ length: rows }, (_, row) => cells(row).join(","));
  writeFileSync(path.join(folder, name), [header, ...lines].join("\n"));
}

const at = (row: number, by: number): number => ((row * by) % 17) / 17;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  table("kinds.csv", "a,b,colour,kind", 160, (row) => [
    ...[at(row, 5), at(row, 7), ["red", "green", "blue"][row % 3]],
    row % 2 ? "" : at(row, 5) > 0.5 ? "high" : "low",
  ]);
  table("tags.csv", "a,b,early,late", 80, (row) => [
    ...[at(row, 5), at(row, 7)],
    ...[row % 3 ? Number(at(row, 5) < 0.4) : "", Number(at(row, 5) > 0.6)],
  ]);
  table("sizes.csv", "a,b,size", 40, (row) => [at(row, 5), at(row, 7), row % 4 ? at(row, 5) + 1 : -9]);
  const own = { encoder: [dense(4)], microBatch: 8 };
  writeFileSync(
    job,
    JSON.stringify({
      name: "missing labels",
      tasks: {
        kinds: {
          ...own,
          data: { csv: "kinds.csv", target: "kind", oneHot: ["colour"], unlabelled: true },
          decoder: [dense(5)],
          reconstruction: { loss: "categorical" },
          heads: { kind: { kind: "classification" } },
        },
        tags: {
          ...own,
          data: { csv: "tags.csv", target: ["early", "late"], targetKind: "labels", unlabelled: true },
          decoder: [dense(2)],
          reconstruction: { loss: "gaussian" },
          heads: { tags: { kind: "multiLabel" } },
        },
        sizes: {
          ...own,
          data: { csv: "sizes.csv", target: "size", unlabelled: -9 },
          reconstruction: false,
          heads: { size: { kind: "regression", uncertainty: true } },
        },
      },
      model: { kind: "shared", latent: 4 },
      // Recomputing begins at a checkpoint between two makings of the weights.
      combiner: { kind: "upgrad", weightsEverySteps: 3 },
      sampling: { strategy: "temperature", samples: 60 },
      steps: 40,
      optimiser: { kind: "adam", learningRate: 0.02 },
      evaluate: { everySteps: 20 },
      checkpoints: { everySteps: 10, keep: 5 },
    }),
  );
});

const train = async (runId: string, workers: number, shards: number) => {
  const flags = [job, "--workers", String(workers), "--shards", String(shards), "--dashboard", "off"];
  return (await finish(startTraining(runs, runId, flags))).hash;
};

interface Evaluated {
  readonly tasks: readonly { readonly together: { readonly heads: Readonly<Record<string, object>> } }[];
}

const namesOf = (figures: object | undefined): string[] => Object.keys(figures ?? {}).sort();

test("1 worker, and 3 with 2 shards, come to one hash, and the record proves it", async () => {
  const hash = await train("one", 1, 1);
  expect(await train("three", 3, 2)).toBe(hash);
  const proof = await run(["verify", "three", "--recompute", "10..39", "--runs", runs]);
  expect(proof.code, proof.stderr).toBe(0);

  const { stdout } = await run(["evaluate", "one", "--json", "--runs", runs]);
  const [kinds, tags, sizes] = (JSON.parse(stdout) as Evaluated).tasks.map(({ together }) => together.heads);
  expect(namesOf(kinds?.kind)).toEqual(["accuracy"]);
  expect(namesOf(tags?.tags)).toEqual(["averagePrecision", "f1"]);
  expect(namesOf(sizes?.size)).toEqual(["negativeLogLikelihood", "rmse"]);
  const text = (await run(["evaluate", "one", "--runs", runs])).stdout;
  expect(text).toMatch(/tags F1 .*tags mean average precision/);
  expect(text).toMatch(/size RMSE .*size NLL, nats/);
});
