/** The do-no-harm guard over real processes: baselines, decisions, and what is left of a run for whoever reads it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { tensorsOf } from "./tensors-of.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const steps = 60;
const checkpoint = `checkpoints/step-${String(steps).padStart(8, "0")}/parameters.safetensors`;

/** Two tasks that need one latent number each, and another one: sharing it cannot do for both. */
const directions = { flat: [1, 1, -1, 0.5], steep: [-1, 1, 1, 1] };

function writeJob(guard: object | null): string {
  const tasks = Object.keys(directions).map((task) => [
    task,
    {
      data: { csv: `${task}.csv`, split: { validation: 0.25, test: 0.25 } },
      ...{ input: [4], encoder: [], reconstruction: { loss: "mse" }, microBatch: 8, slots: 2 },
      decoder: [{ kind: "dense", units: 4 }],
    },
  ]);
  const job = {
    ...{ name: "guarded", tasks: Object.fromEntries(tasks) as object, steps, guard },
    model: { kind: "shared", latent: 1 },
    optimiser: { kind: "adam", learningRate: 0.05 },
    evaluate: { everySteps: 10, split: "validation" },
    checkpoints: { everySteps: 25, keep: 3 },
  };
  const file = path.join(folder, `${guard === null ? "plain" : "guarded"}.json`);
  writeFileSync(file, JSON.stringify(job));
  return file;
}

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const [task, direction] of Object.entries(directions)) {
    const rows = Array.from({ length: 96 }, (_, row) => {
      const place = ((row * 37) % 96) / 48 - 1;
      return direction.map((number, at) => number * place + (((row * (at + 3)) % 7) - 3) / 60).join(",");
    });
    writeFileSync(path.join(folder, `${task}.csv`), ["a,b,c,d", ...rows].join("\n"));
  }
});

describe("two tasks that harm each other", () => {
  const action = { action: "branch", tolerance: 0, patience: 2, watch: 0.25 };

  test("one hash on every cluster and after an interruption; baselines with the bits of runs alone; proved from the record; shown", async () => {
    const job = writeJob(action);
    const { hash } = await finish(startTraining(runs, "one", [job, "--workers", "1", "--dashboard", "off"]));
    const three = [job, "--workers", "3", "--shards", "2", "--dashboard", "off"];
    expect((await finish(startTraining(runs, "three", three))).hash).toBe(hash);

    const flags = [job, "--workers", "2", "--dashboard", "off"];
    const half = startTraining(runs, "half", flags);
    await half.waitFor("step 30", (said) =>
      said.kind === "commit" && said.point.step >= 30 ? true : undefined,
    );
    half.signal("SIGINT");
    await half.ended;
    expect((await finish(startTraining(runs, "half", [...flags, "--resume"]))).hash).toBe(hash);

    const guarded = tensorsOf(path.join(runs, "three", checkpoint));
    for (const task of Object.keys(directions)) {
      await finish(startTraining(runs, task, [job, "--tasks", task, "--workers", "2", "--dashboard", "off"]));
      const alone = tensorsOf(path.join(runs, task, checkpoint));
      expect(alone.size).toBeGreaterThan(3);
      for (const [name, bytes] of alone) {
        const own = `${task}-alone/${name.replace(`${task}/`, "")}`;
        expect(guarded.get(own)?.equals(bytes), own).toBe(true);
      }
    }

    const proof = await run(["verify", "three", "--recompute", `25..${steps}`, "--runs", runs], {
      cwd: folder,
    });
    expect(proof.stdout, proof.stderr).toContain("proved");

    const inspected = await run(["inspect", "three", "--runs", runs, "--json"]);
    const { ledger } = JSON.parse(inspected.stdout) as {
      ledger: { guard: { task: string; action: string; harm: number; step: number }[] };
    };
    const branched = new Set(ledger.guard.map(({ task }) => task));
    expect(branched.size).toBeGreaterThan(0);
    expect(ledger.guard.every(({ action: done, harm }) => done === "branch" && harm > 0)).toBe(true);
    expect((await run(["inspect", "three", "--runs", runs])).stdout).toContain("worse than alone");

    const report = path.join(folder, "report");
    const evaluated = await run(["evaluate", "three", "--runs", runs, "--json", "--report", report]);
    const { tasks } = JSON.parse(evaluated.stdout) as {
      tasks: {
        task: string;
        branched?: { at: number; shared: { reconstructionError: number } };
        together: { reconstructionError: number };
        alone: { reconstructionError: number }[];
      }[];
    };
    expect(tasks.map(({ task }) => task)).toEqual(Object.keys(directions));
    for (const { task, branched: left, together, alone } of tasks) {
      expect(left !== undefined).toBe(branched.has(task));
      if (!left) continue;
      expect(together.reconstructionError).toBe(alone[0]?.reconstructionError);
      expect(left.shared.reconstructionError).not.toBe(together.reconstructionError);
    }
    expect(readFileSync(path.join(report, "report.md"), "utf8")).toContain("Beside the same task alone");
  });
});

describe("a guard without rows to judge by", () => {
  test("is refused, and the message says what to add", async () => {
    const job = JSON.parse(readFileSync(writeJob({}), "utf8")) as {
      tasks: Record<string, { data: { split: { validation?: number } } }>;
    };
    delete job.tasks.steep?.data.split.validation;
    const file = path.join(folder, "no-validation.json");
    writeFileSync(file, JSON.stringify(job));
    const { code, stderr } = await run(["train", file, "--runs", runs, "--dashboard", "off"]);
    expect(code).toBe(1);
    expect(stderr).toContain("tasks.steep.data: has no validation rows, and the guard judges by them");
  });
});
