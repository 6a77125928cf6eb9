import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError } from "../testing/expect-error.ts";
import { runCli } from "../testing/run-cli.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-reports-"));
  const rows = Array.from({ length: 80 }, (_, row) => {
    const [a, b] = [(row * 7) % 13, (row * 5) % 11];
    return `${a / 13},${b / 11},${(a + b) / 24},${row % 3 === 0 ? "even" : "odd"}`;
  });
  await writeFile(path.join(directory, "table.csv"), ["a,b,c,kind", ...rows].join("\n"));
  const task = {
    data: { csv: "table.csv", target: "kind" },
    encoder: [{ kind: "dense", units: 3, activation: "relu" }],
    decoder: [{ kind: "dense", units: 3 }],
    ...{ microBatch: 4, slots: 2 },
  };
  const job = {
    name: "two",
    tasks: { first: task, second: { ...task, heads: { kind: { kind: "classification" } } } },
    model: { kind: "shared", latent: 2 },
    ...{ steps: 8, evaluate: { everySteps: 4 }, cosines: { everySteps: 2 }, compute: { backend: "cpu" } },
    launcher: { kind: "local", workers: 1 },
  };
  await writeFile(path.join(directory, "job.json"), JSON.stringify(job));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function cli(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, directory);
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
  return stdout;
}

const read = (file: string): Promise<string> => readFile(path.join(directory, file), "utf8");

describe("tasks analyse", () => {
  it("trains tasks alone and together, says what they gain, and never trains a run twice", async () => {
    const about = JSON.parse(await cli("tasks", "analyse", "job.json", "--json", "--folder", "analysis")) as {
      trained: string[];
      transfer: (number | null)[][];
      scores: { name: string; matrix: (number | null)[][]; agreement: { pairs: number } }[];
      suggestion: { groups: string[][] };
    };
    expect(about.trained).toEqual(["first-seed-0", "second-seed-0", "first--second-seed-0"]);
    expect(about.transfer.map((row) => row.map((value) => typeof value))).toEqual([
      ["object", "number"],
      ["number", "object"],
    ]);
    expect(about.scores.map(({ name }) => name)).toEqual(["cosine", "no conflict", "affinity", "cka", "mmd"]);
    for (const { matrix } of about.scores) expect(matrix[0]?.[1]).toEqual(expect.any(Number));
    expect(about.suggestion.groups.flat().sort()).toEqual(["first", "second"]);
    const written = async (): Promise<number> =>
      (await stat(path.join(directory, "analysis/second-seed-0/run.json"))).mtimeMs;
    const before = await written();
    const html = await read("analysis/analysis.html");
    const again = JSON.parse(
      await cli("tasks", "analyse", "job.json", "--json", "--folder", "analysis"),
    ) as unknown;
    expect(again).toEqual(about);
    expect(await written()).toBe(before);
    expect(html).toContain("Measured transfer");
    expect(html).not.toMatch(/NaN|undefined|<script/);
  }, 240_000);

  it("refuses a job of one task, and a budget that measures nothing", async () => {
    await writeFile(
      path.join(directory, "one.json"),
      JSON.stringify({
        ...(JSON.parse(await read("job.json")) as object),
        tasks: { first: (JSON.parse(await read("job.json")) as { tasks: { first: unknown } }).tasks.first },
      }),
    );
    expectError(await runCli(["tasks", "analyse", "one.json", "--quiet"], directory), {
      ...{ what: "the job has one task, which nothing can help", mend: "give the job another task", code: 1 },
    });
    expectError(
      await runCli(
        ["tasks", "analyse", "job.json", "--quiet", "--folder", "analysis", "--budget-steps", "20"],
        directory,
      ),
      {
        ...{
          what: "the budget ended before a pair was trained",
          mend: "give it more steps or minutes",
          code: 1,
        },
      },
    );
    expectError(
      await runCli(
        ["tasks", "analyse", "job.json", "--quiet", "--folder", "analysis", "--steps", "9"],
        directory,
      ),
      {
        ...{ what: "this run is of another job: steps was 8, is 9", mend: "name another --folder", code: 1 },
      },
    );
  });
});

describe("reports of runs", () => {
  it("compare sets the runs of single tasks beside the one of both", async () => {
    const stdout = await cli(
      ...[
        "compare",
        "alone=analysis/first-seed-0,analysis/second-seed-0",
        "both=analysis/first--second-seed-0",
      ],
      ...["--runs", ".", "--markdown", "gains.md", "--html", "gains.html", "--json", "gains.json"],
    );
    expect(stdout).toContain("both beside alone: Δm");
    const { gains, tasks, warnings, sides } = JSON.parse(await read("gains.json")) as {
      gains: { tasks: Record<string, { mean: number; n: number }> }[];
      tasks: { task: string; figures: { name: string }[] }[];
      warnings: string[];
      sides: { conflictRate: number | null }[];
    };
    expect(tasks.map(({ figures }) => figures.map(({ name }) => name))).toEqual([
      ["reconstruction error"],
      ["reconstruction error", "kind accuracy"],
    ]);
    expect(Object.values(gains[0]?.tasks ?? {}).map(({ n }) => n)).toEqual([1, 1]);
    expect(warnings).toEqual([]);
    expect(sides.map(({ conflictRate }) => conflictRate)).toEqual([null, expect.any(Number)]);
    expect(await read("gains.md")).toContain("| Δm, mean of tasks |");
    expect(await read("gains.html")).toContain("<svg");
  });

  it("compare refuses sides of other tasks", async () => {
    expectError(
      await runCli(
        ["compare", "a=analysis/first-seed-0", "b=analysis/second-seed-0", "--runs", ".", "--quiet"],
        directory,
      ),
      { ...{ what: "lacks the tasks first", mend: "several runs make one side", code: 1 } },
    );
  });

  it("evaluate --report writes a page, Markdown and JSON, or one of them", async () => {
    await cli("evaluate", "analysis/first--second-seed-0", "--runs", ".", "--report", "out");
    const html = await read("out/report.html");
    for (const part of [
      "Loss over the run",
      "Latents",
      "Cosine between gradients",
      "linear CKA",
      "squared MMD",
    ])
      expect(html).toContain(part);
    expect(html).not.toMatch(/NaN|undefined|<script|src="http/);
    expect(await read("out/report.md")).toContain("| first |");
    const { relatedness, curves } = JSON.parse(await read("out/report.json")) as {
      relatedness: { gradients: { step: number }[] };
      curves: { training: unknown[]; evaluation: unknown[] }[];
    };
    expect(relatedness.gradients.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(curves[0]?.training).toHaveLength(8);
    await cli("evaluate", "analysis/first-seed-0", "--runs", ".", "--report", "one.md");
    expect(await read("one.md")).toMatch(/^# first-seed-0/);
  });
});
