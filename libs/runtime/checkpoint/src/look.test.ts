import { mkdirSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type ParameterLayout } from "@latentweave/parameters";
import { UserError } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { compareJobs } from "./compare-jobs.ts";
import { diffRuns } from "./diff-runs.ts";
import { findRun, listRuns } from "./find-run.ts";
import { inspectRun } from "./inspect-run.ts";
import {
  commit,
  groupNumbers,
  openStore,
  smallLayout,
  temporaryFolder,
  wholeGroups,
  writeCheckpoint,
} from "./testing/small-run.ts";

/** A run in `runs/NAME` with two commits and a checkpoint, in which `change` may touch numbers of the first group. */
async function makeRun(
  runs: string,
  name: string,
  options: {
    losses?: readonly number[];
    change?: (numbers: Float32Array) => void;
    layout?: ParameterLayout;
  } = {},
): Promise<string> {
  const directory = path.join(runs, name);
  const layout = options.layout ?? smallLayout;
  const { store } = openStore({ directory, runId: name, layout });
  for (const [step, loss] of (options.losses ?? [1, 0.5]).entries()) store.appendCommit(commit(step, loss));
  const sink = await store.beginCheckpoint(2, ["parameters"]);
  for (const slice of wholeGroups(layout)) {
    const numbers = groupNumbers(layout, "parameters", slice.group);
    if (slice.group === 0) options.change?.(numbers);
    await sink.write("parameters", slice, new Uint8Array(numbers.buffer));
  }
  await sink.finish({});
  await store.writeState({ state: "finished", runId: name });
  await store.close();
  return directory;
}

describe("inspecting a run", () => {
  it("describes state, checkpoints, ledger and every tensor", async () => {
    const directory = await makeRun(temporaryFolder(), "a", {
      change: (numbers) => numbers.set([Number.NaN, -3, 4], 16), // trunk/0/bias: NaN, −3, 4, then two as they were
    });
    writeFileSync(path.join(directory, "job.json"), '{"name":"small"}');
    const found = await inspectRun(directory);
    expect(found.run).toMatchObject({ state: "finished", runId: "a" });
    expect(found.job).toEqual({ name: "small" });
    expect(found.ledger).toEqual({
      commits: 2,
      lastStep: 1,
      pauses: [],
      samples: { digits: 128 },
      guard: [],
      damage: null,
    });
    expect(found.checkpoints).toMatchObject([
      { version: 2, whole: true, reason: null, sections: ["parameters"] },
    ]);
    expect(found.tensors.map(({ name, shape, group }) => [name, shape, group])).toEqual([
      ["trunk/0/kernel", [3, 5], "shared"],
      ["trunk/0/bias", [5], "shared"],
      ["digits/é", [2, 2, 2], "digits"],
      ["digits/10", [1], "digits"],
    ]);
    const rest = [...groupNumbers(smallLayout, "parameters", 0).subarray(19, 21)];
    const expected = [-3, 4, ...rest];
    expect(found.tensors[1]).toMatchObject({
      numbers: 5,
      min: -3,
      max: Math.max(...rest),
      mean: expected.reduce((sum, value) => sum + value, 0) / 4,
      norm: Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0)),
      nonFinite: 1,
      tasks: ["digits", "fashion"],
    });
  });

  it("names damage instead of failing", async () => {
    const directory = await makeRun(temporaryFolder(), "a");
    writeFileSync(path.join(directory, "checkpoints", "step-00000002", "manifest.json"), "torn");
    writeFileSync(path.join(directory, "ledger", "commits.jsonl"), "nonsense\n");
    const found = await inspectRun(directory);
    expect(found.checkpoints).toMatchObject([
      { whole: false, reason: "manifest.json does not match its own checksum", hash: null },
    ]);
    expect(found.ledger.damage).toMatch(/commits.jsonl, line 1: changed or damaged/);
    expect(found.tensors).toEqual([]);
  });
});

describe("comparing two runs", () => {
  it("finds nothing between runs that computed the same with other workers", async () => {
    const runs = temporaryFolder();
    const [a, b] = [await makeRun(runs, "a"), await makeRun(runs, "b")];
    expect(await diffRuns(a, b)).toMatchObject({
      steps: 2,
      ledger: null,
      version: 2,
      parameters: null,
      same: true,
    });
  });

  it("knows a run's ledger though its folder was renamed", async () => {
    const runs = temporaryFolder();
    const a = await makeRun(runs, "a");
    renameSync(await makeRun(runs, "b"), path.join(runs, "c"));
    expect(await diffRuns(a, path.join(runs, "c"))).toMatchObject({ steps: 2, same: true });
  });

  it("names the first step, the first number and the largest difference", async () => {
    const runs = temporaryFolder();
    const a = await makeRun(runs, "a");
    const b = await makeRun(runs, "b", {
      losses: [1, 0.75],
      change: (numbers) => {
        numbers[7] = (numbers[7] ?? 0) + 0.5;
        numbers[18] = (numbers[18] ?? 0) - 2;
      },
    });
    const before = groupNumbers(smallLayout, "parameters", 0)[7] ?? 0;
    const found = await diffRuns(a, b);
    expect(found.ledger).toEqual({ step: 1, path: "tasks[0].metrics.loss", a: 0.5, b: 0.75 });
    expect(found.parameters).toEqual({
      tensor: "trunk/0/kernel",
      index: 7,
      a: before,
      b: before + 0.5,
      tensors: 2,
      maxAbsDifference: 2,
    });
    expect(found.same).toBe(false);
    expect(found.hashes?.[0]).not.toBe(found.hashes?.[1]);
  });

  it("names the first version whose digests differ, and looks into the first checkpoint that both have from there on", async () => {
    const runs = temporaryFolder();
    const make = async (name: string, from: number): Promise<string> => {
      const directory = path.join(runs, name);
      const { store } = openStore({ directory, runId: name, keep: 9 });
      for (let step = 0; step < 8; step++) {
        const differs = (version: number): boolean => version >= from;
        store.appendCommit({ ...commit(step), digest: (differs(step) ? name : "0").repeat(64).slice(0, 64) });
        if (step % 2 === 0) continue;
        const sink = await store.beginCheckpoint(step + 1, ["parameters"]);
        for (const slice of wholeGroups(smallLayout)) {
          const numbers = groupNumbers(smallLayout, "parameters", slice.group);
          if (differs(step + 1)) numbers[0] = step + Number(from !== 99);
          await sink.write("parameters", slice, new Uint8Array(numbers.buffer));
        }
        await sink.finish({});
      }
      await store.close();
      return directory;
    };
    const [a, b] = [await make("a", 99), await make("b", 3)];
    const found = await diffRuns(a, b);
    expect(found.weights).toEqual({ version: 3, a: "0".repeat(64), b: "b".repeat(64) });
    expect(found).toMatchObject({ versions: 4, version: 4, ledger: null, same: false });
    expect(found.parameters).toMatchObject({ tensor: "trunk/0/kernel", index: 0, b: 4 });
    expect(await diffRuns(a, a)).toMatchObject({ versions: 8, weights: null, version: 8, same: true });
  });

  it("compares bits: a negative zero is another number", async () => {
    const runs = temporaryFolder();
    const a = await makeRun(runs, "a", { change: (numbers) => numbers.set([0], 3) });
    const b = await makeRun(runs, "b", { change: (numbers) => numbers.set([-0], 3) });
    expect((await diffRuns(a, b)).parameters).toMatchObject({
      tensor: "trunk/0/kernel",
      index: 3,
      maxAbsDifference: 0,
    });
  });

  it("does not call runs the same that have nothing in common", async () => {
    const runs = temporaryFolder();
    mkdirSync(path.join(runs, "empty"));
    expect(await diffRuns(path.join(runs, "empty"), path.join(runs, "empty"))).toMatchObject({
      steps: 0,
      version: null,
      same: false,
    });
  });
});

describe("finding a run", () => {
  function runsWith(names: readonly string[]): string {
    const runs = temporaryFolder();
    for (const [index, name] of names.entries()) {
      mkdirSync(path.join(runs, name));
      writeFileSync(path.join(runs, name, "run.json"), "{}");
      utimesSync(path.join(runs, name, "run.json"), 1000 + index, 1000 + index);
    }
    mkdirSync(path.join(runs, "not-a-run"));
    return runs;
  }

  it("lists runs, the newest first", () => {
    expect(listRuns(runsWith(["old", "newer", "newest"]))).toEqual(["newest", "newer", "old"]);
  });

  it("passes over a file that lies among the runs", () => {
    const runs = runsWith(["digits"]);
    writeFileSync(path.join(runs, "notes.json"), "{}");
    expect(listRuns(runs)).toEqual(["digits"]);
  });

  it("takes a whole name before a longer one, a beginning, or a path", () => {
    const runs = runsWith(["digits", "digits-2", "tutorial"]);
    expect(findRun(runs, "digits")).toBe(path.join(runs, "digits"));
    expect(findRun(runs, "tut")).toBe(path.join(runs, "tutorial"));
    expect(findRun("elsewhere", path.join(runs, "tutorial"))).toBe(path.join(runs, "tutorial"));
  });

  it("asks for more of an ambiguous name, and offers the nearest one for a slip", () => {
    const runs = runsWith(["digits-1", "digits-2"]);
    expect(() => findRun(runs, "digits")).toThrow(/may be any of 2 runs: digits-2, digits-1/);
    expect(() => findRun(runs, "digist-1")).toThrow(
      /there is no run "digist-1"[^]*did you mean "digits-1"\?/,
    );
    expect(() => findRun(temporaryFolder(), "a")).toThrow(UserError);
    expect(() => findRun(temporaryFolder(), "a")).toThrow(/start one with `latentweave train JOB`/);
  });
});

describe("comparing jobs", () => {
  it("lists the path of every field that changed, appeared or went", () => {
    const before = {
      seed: 1,
      tasks: { digits: { encoder: [{ units: 64 }, { units: 32 }], weight: 1 } },
      clip: null,
    };
    const after = {
      tasks: { digits: { encoder: [{ units: 64 }, { units: 16 }, {}], weight: 1 } },
      seed: 1,
      clip: 2,
    };
    expect(compareJobs(before, after)).toEqual([
      { path: "tasks.digits.encoder[1].units", before: 32, after: 16 },
      { path: "tasks.digits.encoder[2]", before: undefined, after: {} },
      { path: "clip", before: null, after: 2 },
    ]);
    expect(compareJobs(before, structuredClone(before))).toEqual([]);
  });
});

describe("a checkpoint's meta", () => {
  it("does not enter the hash", async () => {
    const { store } = openStore();
    const { hash } = await writeCheckpoint(store, smallLayout, 3);
    const other = openStore();
    const sink = await other.store.beginCheckpoint(3, ["parameters"]);
    for (const slice of wholeGroups(smallLayout))
      await sink.write(
        "parameters",
        slice,
        new Uint8Array(groupNumbers(smallLayout, "parameters", slice.group).buffer),
      );
    expect((await sink.finish({ updates: 99 })).hash).toBe(hash);
  });
});
